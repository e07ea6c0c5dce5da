import { describe, expect, test } from "vitest";
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
