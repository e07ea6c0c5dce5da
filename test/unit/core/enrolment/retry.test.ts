import { expect, test } from "vitest";
import { retryMs } from "../../../../src/core/enrolment/retry.ts";

const DAYS_90 = 90n * 86_400n;

test("a renewal that fails is tried again after half a minute, then more and more seldom, and once an hour in the end", () => {
  const waits = Array.from({ length: 12 }, (_, i) => retryMs(i + 1, { life: DAYS_90, chance: 0.5 }) / 1_000);
  expect(waits).toEqual([30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600, 3_600, 3_600]);
});

test("hosts that lost the same service do not come back in the same second", () => {
  const [early, late] = [0, 1].map((chance) => retryMs(20, { life: DAYS_90, chance })) as [number, number];
  expect([early, late]).toEqual([2_700_000, 4_500_000]);
});

test("a certificate of an hour is tried for several times in the third of its life that is left", () => {
  const waits = Array.from({ length: 8 }, (_, i) => retryMs(i + 1, { life: 3_600n, chance: 0.5 }));
  expect(waits.reduce((sum, wait) => sum + wait)).toBeLessThan(3_600_000 / 4);
});

test("however many times it has failed, it is a number", () => {
  expect(retryMs(10_000, { life: DAYS_90, chance: 0 })).toBe(2_700_000);
});
