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
