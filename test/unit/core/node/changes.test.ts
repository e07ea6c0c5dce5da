import { describe, expect, test } from "vitest";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { type Endpoint, endpointAddress } from "../../../../src/core/netip/endpoint.ts";
import { type Host, Mesh } from "../../fixtures/mesh.ts";
import type { HostPlan } from "../../fixtures/settings.ts";

// Two hosts talk, 20 packets a second, each with an answer, and could talk through two relays as well. Several things change at once, or soon after
// each other.

const PERIOD_MS = 50;
const HOUR_MS = 3_600_000;
const PLAIN = { amRelay: false, useRelays: true, relays: [], peerKilobytes: 0 } as const;

class World {
  readonly mesh: Mesh = new Mesh();
  readonly lighthouse: Host;
  readonly relays: readonly Host[];
  readonly left: Host;
  readonly right: Host;
  #moves = 0;

  constructor() {
    const { mesh } = this;
    const alone = { lighthouses: [], statics: {}, amLighthouse: true };
    this.lighthouse = mesh.host("192.0.2.1:4242", { ...member("lighthouse", 1), ...alone });
    this.relays = [10, 11].map((number) =>
      mesh.host(`192.0.2.${number}:4242`, {
        ...member(`relay-${number}`, number),
        relay: { ...PLAIN, amRelay: true, useRelays: false },
      }),
    );
    const relay = { ...PLAIN, relays: this.relays.map(({ address }) => address) };
    this.left = mesh.host("192.0.2.2:4242", { ...member("left", 2), relay });
    this.right = mesh.host("192.0.2.3:4242", { ...member("right", 3), relay });
    mesh.run(1_000);
  }

  /** The host is elsewhere, as behind a router whose address changes; `told`: its own address has changed, which its system says. */
  move(host: Host, options: { readonly told?: boolean; readonly to?: Endpoint } = {}): void {
    const to = options.to ?? (`198.51.100.${++this.#moves}:4242` as Endpoint);
    this.mesh.move(host, to);
    if (options.told) host.input({ kind: "local-addresses", addresses: [endpointAddress(to) as IpAddress] });
  }

  after(ms: number, what: () => void): void {
    this.mesh.later(what, ms - this.mesh.latencyMs);
  }

  cutStraight(): void {
    const ends: readonly Endpoint[] = [this.left.endpoint, this.right.endpoint];
    this.mesh.delivers = ({ from, to }) => !(ends.includes(from) && ends.includes(to));
  }

  /** Both talk for so long; the longest time without an answer. */
  talk(asker: Host, answerer: Host, ms: number): number {
    const { mesh } = this;
    let [lastAt, longest] = [mesh.now, 0];
    for (let passed = 0; passed < ms; passed += PERIOD_MS) {
      asker.say(answerer, "question");
      for (let i = 0; i < PERIOD_MS / 5; i++) {
        const [asked, answered] = [answerer.received.length, asker.received.length];
        mesh.run(5);
        for (let n = asked; n < answerer.received.length; n++) answerer.say(asker, "answer");
        if (asker.received.length === answered) continue;
        longest = Math.max(longest, mesh.now - lastAt);
        lastAt = mesh.now;
      }
    }
    return Math.max(longest, mesh.now - lastAt);
  }
}

/** What happens, and the milliseconds that a talk may pause for it whoever asks. */
const CHANGES: readonly (readonly [string, number, (world: World) => void])[] = [
  [
    "its address changes twice in a tenth of a second, and nobody says so",
    1_500,
    (world) => {
      world.move(world.left);
      world.after(100, () => world.move(world.left));
    },
  ],
  [
    "its address changes twice in a tenth of a second, and its system says so",
    500,
    (world) => {
      world.move(world.left, { told: true });
      world.after(100, () => world.move(world.left, { told: true }));
    },
  ],
  [
    "its address goes and comes back",
    500,
    (world) => {
      const to = world.left.endpoint;
      world.move(world.left);
      world.after(300, () => world.move(world.left, { to }));
    },
  ],
  [
    "both move at once",
    500,
    (world) => {
      for (const host of [world.left, world.right]) world.move(host);
    },
  ],
  [
    "both move at once, and the only lighthouse has just lost all that it knew",
    500,
    (world) => {
      world.lighthouse.restart();
      for (const host of [world.left, world.right]) world.move(host);
    },
  ],
  [
    "both move at once, and the only lighthouse is gone",
    1_500,
    (world) => {
      world.mesh.remove(world.lighthouse);
      for (const host of [world.left, world.right]) world.move(host);
    },
  ],
  [
    "the other one starts anew, and it moves in the middle of the handshake",
    500,
    (world) => {
      world.right.restart();
      world.after(8, () => world.move(world.left));
    },
  ],
  [
    "the other one starts anew and moves in the middle of the handshake",
    500,
    (world) => {
      world.right.restart();
      world.after(8, () => world.move(world.right));
    },
  ],
  [
    "the straight way and a relay die together",
    500,
    (world) => {
      world.cutStraight();
      world.mesh.remove(world.relays[0]!);
    },
  ],
  [
    "the straight way and a relay die while it moves",
    500,
    (world) => {
      world.move(world.left);
      world.cutStraight();
      world.mesh.remove(world.relays[0]!);
    },
  ],
  [
    "its clock jumps ahead by three hours and it moves",
    500,
    (world) => {
      world.left.clockAheadMs += 3 * HOUR_MS;
      world.move(world.left);
    },
  ],
  [
    "its clock jumps back by three hours and it starts anew",
    500,
    (world) => {
      world.left.clockAheadMs -= 3 * HOUR_MS;
      world.left.restart();
    },
  ],
  [
    "lighthouse, relays and the other one start anew together",
    500,
    (world) => {
      for (const host of [world.lighthouse, ...world.relays, world.right]) host.restart();
    },
  ],
];

describe("a talk with a host goes on when", () => {
  test.each(CHANGES)("%s: within %i ms", (_, limitMs, happen) => {
    const asking = new World();
    asking.talk(asking.left, asking.right, 3_430);
    happen(asking);
    expect(asking.talk(asking.left, asking.right, 6_000), "as the one who asks").toBeLessThanOrEqual(limitMs);
    const answering = new World();
    answering.talk(answering.right, answering.left, 3_430);
    happen(answering);
    expect(answering.talk(answering.right, answering.left, 6_000), "as the one who answers").toBeLessThanOrEqual(
      limitMs,
    );
  });
});

function member(name: string, number: number): HostPlan {
  return {
    name,
    networks: [`10.77.0.${number}/24`],
    lighthouses: ["10.77.0.1"],
    statics: { "10.77.0.1": ["192.0.2.1:4242"] },
  };
}
