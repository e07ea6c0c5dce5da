import { beforeEach, describe, expect, test } from "vitest";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { type Host, Mesh } from "../../fixtures/mesh.ts";
import type { HostPlan } from "../../fixtures/settings.ts";

// Two hosts talk, 20 packets a second, each with an answer. Something changes below, and nobody says so.

/** LACIS_ROUNDS=20 for figures. */
const ROUNDS = Number(process.env["LACIS_ROUNDS"] ?? 5);
const PERIOD_MS = 50;

let mesh: Mesh;
let left: Host;
let right: Host;

beforeEach(() => {
  mesh = new Mesh();
  mesh.host("192.0.2.1:4242", { ...member("lighthouse", 1), lighthouses: [], statics: {}, amLighthouse: true });
});

describe("a talk goes on, half of the times within half a second and always within one and a half, when", () => {
  beforeEach(() => {
    left = mesh.host("192.0.2.2:4242", member("left", 2));
    right = mesh.host("192.0.2.3:4242", member("right", 3));
    mesh.run(1_000);
    talk(3_000);
  });

  test("whoever asks is somewhere else", () => {
    expect(outages((round) => mesh.move(left, `198.51.100.${round + 1}:4242`))).toBeQuick();
  });

  test("whoever answers is somewhere else, and only hears nothing any more", () => {
    expect(outages((round) => mesh.move(right, `198.51.100.${round + 1}:4242`))).toBeQuick();
  });

  test("whoever answers starts anew on another port", () => {
    expect(
      outages((round) => {
        mesh.move(right, `192.0.2.3:${5_000 + round}`);
        right.restart();
      }),
    ).toBeQuick();
  });
});

describe("a talk through relays", () => {
  let relays: readonly Host[];

  beforeEach(() => {
    const isRelay = { ...PLAIN, amRelay: true, useRelays: false };
    relays = [10, 11].map((number) =>
      mesh.host(`192.0.2.${number}:4242`, { ...member("relay", number), relay: isRelay }),
    );
    const through = { ...PLAIN, relays: relays.map(({ address }) => address) };
    left = mesh.host("192.0.2.2:4242", { ...member("left", 2), relay: through });
    right = mesh.host("192.0.2.3:4242", { ...member("right", 3), relay: through });
    keepApart();
    mesh.run(2_000);
    talk(5_000);
  });

  test("goes on as fast through the other one when that in use dies", () => {
    const gaps = outages(() => {
      keepApart();
      talk(20_000);
      const dead = relays.find(({ address }) => address === left.status().peers.find(isRight)?.relay?.address);
      expect(dead, "they talk through a relay").toBeDefined();
      keepApart(dead);
    });
    expect(gaps).toBeQuick();
    // Neither waits for its own silence: the first who notices has the other one turn, too.
    expect(gaps.at(-1)).toBeLessThanOrEqual(500);
  });

  test("says why it goes through one", () => {
    mesh.run(10_000);
    talk(1_000);
    expect(left.status().peers.find(isRight)).toMatchObject({ pathKind: "relayed", whyRelayed: "no-answer" });
  });

  test("goes straight as soon as that is possible: after 5 s, or 30 s, and at once where the peer says it has come", () => {
    mesh.delivers = () => true;
    talk(31_000);
    expect(left.status().peers.find(isRight)).toMatchObject({ pathKind: "direct", whyRelayed: undefined });
  });

  test("takes the shorter of two, and the same in both directions", () => {
    const slow = new Set<string>([relays[0]!.endpoint]);
    const { send } = mesh;
    mesh.send = (flight) => {
      mesh.latencyMs = slow.has(flight.from) || slow.has(flight.to) ? 60 : 5;
      send.call(mesh, flight);
    };
    talk(45_000);
    for (const [host, peer] of [
      [left, right],
      [right, left],
    ] as const)
      expect(host.status().peers.find(({ name }) => name === nameOf(peer))?.relay?.address).toBe(relays[1]!.address);
  });

  test("is left by none that has a straight way, unless that loses packets: then the relay sends, until it loses none any more", () => {
    mesh.delivers = () => true;
    talk(31_000);
    let count = 0;
    const straight: readonly Endpoint[] = [left.endpoint, right.endpoint];
    mesh.delivers = ({ from, to }) => !(straight.includes(from) && straight.includes(to)) || ++count % 3 !== 0;
    talk(60_000);
    expect(left.status().peers.find(isRight)).toMatchObject({ pathKind: "relayed", whyRelayed: "lossy" });
    const before = right.heard.length;
    talk(20_000);
    expect(right.heard.length - before).toBe(400);
    expect(left.status().peers.find(isRight)).toMatchObject({ pathKind: "relayed", whyRelayed: "lossy" });
    mesh.delivers = () => true;
    talk(60_000);
    expect(left.status().peers.find(isRight)).toMatchObject({ pathKind: "direct", whyRelayed: undefined });
  });

  /** Left and right never meet, and nothing comes from or to a relay that is dead. */
  function keepApart(dead?: Host): void {
    const apart: readonly Endpoint[] = [left.endpoint, right.endpoint];
    mesh.delivers = ({ from, to }) =>
      !(apart.includes(from) && apart.includes(to)) && from !== dead?.endpoint && to !== dead?.endpoint;
  }
});

/** The longest times without an answer, after each of many changes. */
function outages(change: (round: number) => void): readonly number[] {
  return Array.from({ length: ROUNDS }, (_, round) => {
    change(round);
    const gap = talk(6_000);
    talk(4_000);
    return gap;
  }).sort((a, b) => a - b);
}

/** Talks for so long, and says for how long there was no answer at the most. */
function talk(ms: number): number {
  let lastAt = mesh.now;
  let longest = 0;
  for (let passed = 0; passed < ms; passed += PERIOD_MS) {
    left.say(right, "question");
    for (let i = 0; i < PERIOD_MS / 5; i++) {
      const [asked, answered] = [right.received.length, left.received.length];
      mesh.run(5);
      for (let n = asked; n < right.received.length; n++) right.say(left, "answer");
      if (left.received.length > answered) {
        longest = Math.max(longest, mesh.now - lastAt);
        lastAt = mesh.now;
      }
    }
  }
  return Math.max(longest, mesh.now - lastAt);
}

function isRight({ name }: { readonly name: string | undefined }): boolean {
  return name === "right";
}

function nameOf(host: Host): string {
  return host === left ? "left" : "right";
}

const PLAIN = { amRelay: false, useRelays: true, relays: [], peerKilobytes: 0 } as const;

function member(name: string, number: number): HostPlan {
  return {
    name: number >= 10 ? `${name}-${number}` : name,
    networks: [`10.77.0.${number}/24`],
    lighthouses: ["10.77.0.1"],
    statics: { "10.77.0.1": ["192.0.2.1:4242"] },
  };
}

expect.extend({
  toBeQuick(gaps: readonly number[]) {
    const [median, worst] = [gaps[Math.floor(gaps.length / 2)] ?? 0, gaps.at(-1) ?? 0];
    return {
      pass: median <= 500 && worst <= 1_500,
      message: () => `the median is ${median} ms and the worst ${worst} ms: ${gaps.join(" ")}`,
    };
  },
});

declare module "vitest" {
  // biome-ignore lint/suspicious/noExplicitAny: the interface that vitest has is extended.
  interface Assertion<T = any> {
    toBeQuick(): T;
  }
}
