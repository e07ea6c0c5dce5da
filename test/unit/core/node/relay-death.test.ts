import { describe, expect, test } from "vitest";
import type { DataPlaneCommand } from "../../../../src/core/dataplane/contract.ts";
import { PacketType } from "../../../../src/core/wire/header.ts";
import { Random } from "../../../sim/world/random.ts";
import { peerOf, world } from "./relayed-world.ts";

/** One asks 20 times a second, and the other answers. */
const EVERY_MS = 50;

/** The longest time without an answer when the relay in use dies so long after both began, seen for some seconds. */
function pauseMs(afterMs: number, latencyMs: number): number {
  const { mesh, left, right, relays } = world({ relays: 2 });
  mesh.latencyMs = latencyMs;
  const answeredAt: number[] = [];
  const talk = (ms: number): void => {
    for (let passed = 0; passed < ms; passed++) {
      if (mesh.now % EVERY_MS === 0) left.say(right, "tick");
      const [asked, answered] = [right.received.length, left.received.length];
      mesh.run(1);
      for (let i = asked; i < right.received.length; i++) right.say(left, "tock");
      for (let i = answered; i < left.received.length; i++) answeredAt.push(mesh.now);
    }
  };
  talk(afterMs);
  const used = relays.find(({ address }) => address === peerOf(left, "right")?.relay?.address)!;
  mesh.remove(used);
  const diedAt = mesh.now;
  talk(3_000);
  const times = [diedAt, ...answeredAt.filter((at) => at > diedAt), mesh.now];
  return Math.max(...times.slice(1).map((at, i) => at - times[i]!));
}

describe("a relay that dies under two hosts of which one asks and the other answers", () => {
  test.each([
    ["whose way is as short", 5_000, 1],
    ["while the last attempts of a call are under way that looks for a straight way", 5_411, 5],
    ["half a second later", 5_911, 5],
  ])("is left for the other one in less than 200 ms, and not returned to, %s", (_, afterMs, latencyMs) => {
    expect(pauseMs(afterMs, latencyMs)).toBeLessThan(200);
  });
});

describe("a relay that dies far from the hosts, at seven moments", () => {
  test.each([
    [10, 200],
    [20, 300],
    [30, 400],
    [40, 500],
  ])("%i ms from each of them, costs no more than %i ms in the median", (latencyMs, limitMs) => {
    const pauses = Array.from({ length: 7 }, (_, i) => pauseMs(8_000 + i * 157, latencyMs)).sort((a, b) => a - b);
    expect(pauses[3], pauses.join(", ")).toBeLessThanOrEqual(limitMs);
  });
});

describe("two hosts with two relays, both of which talk", () => {
  test.each([1, 5, 20])(
    "stay with one of them and with their session while nothing is wrong, %i ms apart",
    (latencyMs) => {
      const { mesh, left, right } = world({ relays: 2 });
      mesh.latencyMs = latencyMs;
      const talk = (ms: number): void => {
        for (let passed = 0; passed < ms; passed++) {
          if (mesh.now % EVERY_MS === 0)
            for (const [from, to] of [[left, right] as const, [right, left] as const]) from.say(to, "");
          mesh.run(1);
        }
      };
      talk(2_000);
      const before = left.commands.length;
      talk(8_000);
      const moved = left.commands.slice(before).filter(({ kind }) => ["set-path", "install-session"].includes(kind));
      expect(moved).toEqual([]);
    },
  );
});

describe("two hosts with two relays over a way on which some datagrams take longer than others", () => {
  test.each([
    ["each a little", { jitterMs: 8, stallMs: 0, thinksMs: 0 }],
    ["up to twice as long", { jitterMs: 40, stallMs: 0, thinksMs: 0 }],
    ["a fifth of a second now and then", { jitterMs: 8, stallMs: 200, thinksMs: 0 }],
    ["each a little, to one who thinks before it answers", { jitterMs: 8, stallMs: 0, thinksMs: 60 }],
  ])("stay with one of them and with their session for a minute while nothing is wrong: %s", (_, way) => {
    const { mesh, left, right } = world({ relays: 2 });
    const random = new Random(1, "jitter");
    mesh.latencyMs = 40;
    mesh.delayMs = () => random.between(0, way.jitterMs) + (random.chance(0.01) ? way.stallMs : 0);
    const answers = new Map<number, number>();
    const talk = (ms: number): void => {
      for (let passed = 0; passed < ms; passed += 5) {
        if (mesh.now % EVERY_MS === 0) left.say(right, "tick");
        const asked = right.received.length;
        mesh.run(5);
        const at = mesh.now + way.thinksMs;
        if (right.received.length > asked) answers.set(at, (answers.get(at) ?? 0) + right.received.length - asked);
        for (let i = answers.get(mesh.now) ?? 0; i > 0; i--) right.say(left, "tock");
      }
    };
    talk(15_000);
    const before = new Map([left, right].map((host) => [host, host.commands.length]));
    talk(60_000);
    const since = [left, right].map((host) => host.commands.slice(before.get(host)));
    const moved = since.flat().filter(({ kind }) => kind === "set-path" || kind === "install-session");
    expect(moved).toEqual([]);
    const asked = since.map((commands) => commands.filter(isTest).length);
    expect(Math.max(...asked), "questions of one host, of 1,200 packets").toBeLessThanOrEqual(150);
  });
});

describe("two hosts that reach each other through relays, both of which talk", () => {
  /** The longest time in which either hears nothing, seen for twelve seconds. */
  function longestPauseMs(relayCount: number, happen: (hosts: ReturnType<typeof world>) => void): number {
    const hosts = world({ relays: relayCount });
    const { mesh, left, right } = hosts;
    const heardAt = new Map([left, right].map((host) => [host, { count: 0, at: mesh.now, pauseMs: 0 }]));
    const talk = (ms: number): void => {
      for (let passed = 0; passed < ms; passed += 5) {
        if (mesh.now % EVERY_MS === 0) for (const host of [left, right]) host.say(host === left ? right : left, "");
        mesh.run(5);
        for (const [host, heard] of heardAt) {
          if (host.received.length === heard.count && passed + 5 < ms) continue;
          heard.pauseMs = Math.max(heard.pauseMs, mesh.now - heard.at);
          Object.assign(heard, { count: host.received.length, at: mesh.now });
        }
      }
    };
    talk(5_000);
    for (const heard of heardAt.values()) Object.assign(heard, { at: mesh.now, pauseMs: 0 });
    happen(hosts);
    talk(12_000);
    return Math.max(...[...heardAt.values()].map(({ pauseMs }) => pauseMs));
  }

  test.each([
    ["one of them starts", 1, ["right"]],
    ["one of them starts, which has two relays,", 2, ["right"]],
    ["both start", 1, ["left", "right"]],
    ["both and their relay start", 1, ["left", "right", "relay"]],
    ["both, their relay and the lighthouse start", 1, ["left", "right", "relay", "lighthouse"]],
  ] as const)("hear each other again within half a second when %s anew at one moment, and go on", (_, count, names) => {
    const pauseMs = longestPauseMs(count, (hosts) => {
      for (const name of names) hosts[name].restart();
    });
    expect(pauseMs).toBeLessThanOrEqual(500);
  });
});

function isTest(command: DataPlaneCommand): boolean {
  return command.kind === "seal-and-send" && command.type === PacketType.test;
}
