import { describe, expect, test } from "vitest";
import { instant, wallTime } from "../../../../../src/core/base/time.ts";
import { HandshakeTime } from "../../../../../src/core/handshake/handshake-time.ts";
import { drawLocalIndex } from "../../../../../src/core/handshake/local-index.ts";
import { PendingCalls, type Wish } from "../../../../../src/core/machine/calls/pending-calls.ts";
import type { IpAddress } from "../../../../../src/core/netip/address.ts";
import { PeerTable } from "../../../../../src/core/peer/peer-table.ts";

const target = "10.77.0.2" as IpAddress;
const policy = { tryIntervalMs: 100, retries: 3 };

describe("a call", () => {
  test("is attempted at once, then after one, two, three intervals, and is exhausted after the last", () => {
    const pending = new PendingCalls(new PeerTable());
    pending.begin(target, 1, instant(0));
    const seen: [number, boolean][] = [];
    for (let at = pending.nextAt(); at !== undefined; at = pending.nextAt()) {
      const due = pending.popDue(at, policy);
      seen.push([at, due?.exhausted ?? false]);
      if (due?.exhausted) pending.end(due.call);
    }
    expect(seen).toEqual([
      [0, false],
      [100, false],
      [300, false],
      [600, true],
    ]);
    expect(pending.size).toBe(0);
  });

  test("lets a hundred messages wait", () => {
    const pending = new PendingCalls(new PeerTable());
    const call = pending.begin(target, 1, instant(0))!;
    const taken = Array.from({ length: 120 }, (_, i) => pending.wait(call, { kind: "ping", id: i }));
    expect(taken.filter(Boolean)).toHaveLength(100);
  });

  test("is one of 4,096 at most", () => {
    const pending = new PendingCalls(new PeerTable());
    for (let i = 0; i < 4096; i++) expect(pending.begin(`${i}` as IpAddress, 1, instant(0))).toBeDefined();
    expect(pending.begin(target, 1, instant(0))).toBeUndefined();
  });
});

describe("a call because of a session that has fallen silent, and answers after all,", () => {
  /** What is left of it after these wishes, in this order: whom it still looks for, or that it is over. */
  function rest(...wishes: readonly Wish[]): string {
    const pending = new PendingCalls(new PeerTable());
    const call = pending.begin(target, 1, instant(0))!;
    for (const [i, wish] of wishes.entries()) pending.wish(call, wish, i === 0);
    pending.calm(call);
    return pending.get(target) === undefined ? "nothing" : (call.only ?? "everywhere");
  }

  const SILENCE = { isUrgent: true } as const;
  const STRAIGHT = { only: "straight" } as const;
  const OTHER = {};

  test.each([
    ["ends", [SILENCE], "nothing"],
    ["ends, however often it fell silent", [SILENCE, SILENCE], "nothing"],
    ["looks for a straight way again where it did before", [STRAIGHT, SILENCE], "straight"],
    ["looks for a straight way where somebody has wished for one since", [SILENCE, STRAIGHT], "straight"],
    ["goes on where it had another reason before", [OTHER, SILENCE], "everywhere"],
    ["goes on where it has another reason now", [SILENCE, OTHER], "everywhere"],
    ["goes on where it was to get past a relay that is dead", [{ only: "relayed" }, SILENCE], "everywhere"],
    ["is left alone where it looked for a straight way and nothing else", [STRAIGHT], "straight"],
  ] as const)("%s", (_, wishes, left) => {
    expect(rest(...wishes)).toBe(left);
  });
});

describe("our handshake times", () => {
  test("rise even when the clock stands still or steps back", () => {
    const time = new HandshakeTime();
    expect(time.next(wallTime(100n))).toBe(100n);
    expect(time.next(wallTime(100n))).toBe(101n);
    expect(time.next(wallTime(50n))).toBe(102n);
    expect(time.next(wallTime(1000n))).toBe(1000n);
  });
});

describe("an index of ours", () => {
  test("is never 0 and never one in use", () => {
    const draws = [0, 5, 5, 9].map((value) => Uint8Array.of(0, 0, 0, value));
    const entropy = { bytes: () => draws.shift()! };
    expect(drawLocalIndex(entropy, (index) => index === 5)).toBe(9);
  });

  test("is not found when chance always fails", () => {
    expect(drawLocalIndex({ bytes: () => new Uint8Array(4) }, () => false)).toBeUndefined();
  });

  test("is uniform over 32 bits", () => {
    const counts = new Array<number>(16).fill(0);
    const entropy = { bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) };
    for (let i = 0; i < 16_000; i++) counts[(drawLocalIndex(entropy, () => false) ?? 0) >>> 28]!++;
    const chiSquare = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    // 15 degrees of freedom: beyond 50 once in about 80,000 runs.
    expect(chiSquare).toBeLessThan(50);
  });
});
