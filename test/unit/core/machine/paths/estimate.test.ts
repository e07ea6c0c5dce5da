import { describe, expect, test } from "vitest";
import { instant } from "../../../../../src/core/base/time.ts";
import { Estimate } from "../../../../../src/core/machine/paths/estimate.ts";

describe("a way", () => {
  test("is as long as the last answers say, the newest with an eighth of the weight", () => {
    const way = measured([80, 88]);
    expect(way.roundTripMs).toBe(88);
    expect(way.smoothedMs).toBe(81);
    expect(way.usualMs).toBe(81 + 4 * 2);
  });

  test("that is suddenly less than half as long was measured while something started", () => {
    const way = measured([400, 10]);
    expect(way.smoothedMs).toBe(10);
    expect(way.usualMs).toBe(10);
  });

  test("has no loss before four probes, and then that of the last 31", () => {
    const way = measured([10, 10]);
    way.missed();
    expect(way.loss).toBeUndefined();
    way.missed();
    expect(way.loss).toBe(0.5);
    for (let i = 0; i < 30; i++) way.answered(10, instant(i));
    expect(way.loss).toBe(1 / 31);
    way.answered(10, instant(30));
    expect(way.loss).toBe(0);
  });
});

function measured(answers: readonly number[]): Estimate {
  const way = new Estimate();
  for (const ms of answers) way.answered(ms, instant(1));
  return way;
}
