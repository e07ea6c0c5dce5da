import { describe, expect, test } from "vitest";
import { Distribution, Timing } from "../../../../src/runtime/metrics/distribution.ts";

describe("a distribution", () => {
  test("of nothing is all zeros", () => {
    expect(new Set(Object.values(new Distribution().summary()))).toEqual(new Set([0]));
  });

  test("tells how its values lie", () => {
    const values = new Distribution();
    for (let value = 1; value <= 99; value++) values.add(value);
    expect(values.summary()).toMatchObject({
      count: 99,
      min: 1,
      max: 99,
      mean: 50,
      sum: 4_950,
      perc50: 50,
      perc75: 75,
      perc95: 95,
      perc99: 99,
    });
    expect(values.summary().stddev).toBeCloseTo(28.577, 2);
  });

  test("counts all, and keeps only the newest", () => {
    const values = new Distribution();
    for (let i = 0; i < 1_000; i++) values.add(1_000_000);
    for (let i = 0; i < 1_028; i++) values.add(7);
    expect(values.summary()).toMatchObject({ count: 2_028, min: 7, max: 7, sum: 7 * 1_028 });
  });
});

test("a timing knows how often it happens", () => {
  const timing = new Timing(0);
  for (let now = 1_000; now <= 600_000; now += 1_000) timing.add(5, now);
  const { rates } = timing.summary(600_000);
  expect(rates?.rate_mean).toBeCloseTo(1, 3);
  expect(rates?.rate1).toBeCloseTo(1, 3);
  for (let now = 600_100; now <= 660_000; now += 100) timing.add(5, now);
  const faster = timing.summary(660_000).rates;
  expect(faster?.rate1).toBeGreaterThan(faster?.rate5 ?? 0);
  expect(faster?.rate5).toBeGreaterThan(faster?.rate15 ?? 0);
});
