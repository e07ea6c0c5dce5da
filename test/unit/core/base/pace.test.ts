import { expect, test } from "vitest";
import { Pace } from "../../../../src/core/base/pace.ts";
import { instant } from "../../../../src/core/base/time.ts";

const limit = { burst: 3, intervalMs: 100 };

test("a burst at once, then one each interval, for each key", () => {
  const pace = new Pace<string>(limit, 10);
  expect([1, 2, 3, 4].map(() => pace.take("a", instant(1000)))).toEqual([true, true, true, false]);
  expect(pace.take("b", instant(1000))).toBe(true);
  expect(pace.take("a", instant(1099))).toBe(false);
  expect(pace.take("a", instant(1100))).toBe(true);
  expect(pace.take("a", instant(1199))).toBe(false);
});

test("after a rest the whole burst, and no more", () => {
  const pace = new Pace<string>(limit, 10);
  for (let i = 0; i < 3; i++) pace.take("a", instant(0));
  expect([1, 2, 3, 4].map(() => pace.take("a", instant(60_000)))).toEqual([true, true, true, false]);
});

test("asking takes nothing", () => {
  const pace = new Pace<string>({ burst: 1, intervalMs: 100 }, 10);
  expect([pace.has("a", instant(0)), pace.has("a", instant(0)), pace.take("a", instant(0))]).toEqual([
    true,
    true,
    true,
  ]);
  expect(pace.has("a", instant(0))).toBe(false);
});

test("the key not asked about for longest is forgotten when there are too many", () => {
  const pace = new Pace<number>({ burst: 1, intervalMs: 100 }, 2);
  for (const key of [1, 2, 3]) pace.take(key, instant(0));
  expect([pace.has(1, instant(0)), pace.has(2, instant(0)), pace.has(3, instant(0))]).toEqual([true, false, false]);
});
