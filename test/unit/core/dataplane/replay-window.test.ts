import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { REPLAY_WINDOW_COUNTERS, ReplayWindow } from "../../../../src/core/dataplane/reference/replay-window.ts";

/** What the window is meant to be, with all the memory in the world. */
class NaiveWindow {
  readonly #seen = new Set<bigint>();
  readonly #floor: bigint;
  #highest: bigint;

  constructor(floor: bigint) {
    this.#floor = floor;
    this.#highest = floor;
  }

  accepts(counter: bigint): boolean {
    if (counter <= this.#floor || this.#seen.has(counter)) return false;
    return counter > this.#highest - BigInt(REPLAY_WINDOW_COUNTERS);
  }

  commit(counter: bigint): void {
    this.#seen.add(counter);
    if (counter > this.#highest) this.#highest = counter;
  }
}

const jump = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -40, max: 40 }) },
  { weight: 3, arbitrary: fc.integer({ min: -REPLAY_WINDOW_COUNTERS - 2, max: REPLAY_WINDOW_COUNTERS + 2 }) },
  { weight: 1, arbitrary: fc.integer({ min: -100_000, max: 1_000_000 }) },
);

describe("the replay window", () => {
  test("agrees with one that remembers everything", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 20_000n }), fc.array(jump, { maxLength: 300 }), (floor, jumps) => {
        const window = new ReplayWindow(floor);
        const naive = new NaiveWindow(floor);
        let counter = floor;
        for (const distance of jumps) {
          counter = counter + BigInt(distance) < 0n ? 0n : counter + BigInt(distance);
          const accepted = window.accepts(counter);
          expect(accepted).toBe(naive.accepts(counter));
          if (accepted) {
            window.commit(counter);
            naive.commit(counter);
          }
        }
      }),
      { numRuns: 400 },
    );
  });

  test.each([8190n, 8191n, 8192n, 8193n])("remembers the counters around its edge after a step of %i", (step) => {
    const window = new ReplayWindow(100n);
    const naive = new NaiveWindow(100n);
    for (const counter of [101n, 102n, 103n, 102n + step]) {
      window.commit(counter);
      naive.commit(counter);
    }
    for (let counter = 95n; counter < 110n; counter++) expect(window.accepts(counter)).toBe(naive.accepts(counter));
  });

  test("never accepts counter 0", () => {
    expect(new ReplayWindow(0n).accepts(0n)).toBe(false);
  });

  test("is not moved by asking", () => {
    const window = new ReplayWindow(2n);
    expect(window.accepts(1_000_000n)).toBe(true);
    expect(window.accepts(3n)).toBe(true);
  });

  test("reaches to the last counter there is", () => {
    const window = new ReplayWindow(2n);
    window.commit(2n ** 64n - 1n);
    expect(window.accepts(2n ** 64n - 1n)).toBe(false);
    expect(window.accepts(2n ** 64n - 2n)).toBe(true);
  });
});
