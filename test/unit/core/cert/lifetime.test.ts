import { describe, expect, test } from "vitest";
import type { Fingerprint } from "../../../../src/core/cert/certificate.ts";
import { endingOf, renewalDueAt, toldBefore } from "../../../../src/core/cert/lifetime.ts";

const DAY = 86_400n;

function life(days: bigint, fingerprint = "00".repeat(32)) {
  return { notBefore: 1_000n, notAfter: 1_000n + days * DAY, fingerprint: fingerprint as Fingerprint };
}

describe("a certificate is renewed", () => {
  test("after two thirds of its life and before three quarters", () => {
    expect(renewalDueAt(life(90n))).toBe(1_000n + 60n * DAY);
    const last = renewalDueAt(life(90n, "ff".repeat(32)));
    expect(last).toBeGreaterThan(1_000n + 67n * DAY);
    expect(last).toBeLessThanOrEqual(1_000n + (90n * DAY * 3n) / 4n);
  });

  test("each at a moment of its own, so that those of one minute do not come back in one", () => {
    const moments = Array.from({ length: 256 }, (_, i) =>
      renewalDueAt(life(30n, i.toString(16).padStart(2, "0").repeat(32))),
    );
    const width = (30n * DAY) / 12n;
    for (let part = 0n; part < 8n; part++) {
      const from = 1_000n + 20n * DAY + (width * part) / 8n;
      const inside = moments.filter((at) => at >= from && at < from + width / 8n + 1n).length;
      expect(inside).toBeGreaterThanOrEqual(31);
      expect(inside).toBeLessThanOrEqual(33);
    }
  });
});

describe("people are told of the end of a certificate", () => {
  test.each([
    [365n, [30n * DAY, 7n * DAY, DAY]],
    [90n, [7n * DAY, DAY]],
    [30n, [7n * DAY, DAY]],
    [7n, [DAY]],
    [1n, [DAY / 6n]],
  ])("of %s days, while there is time, but not in the two thirds in which nothing is to be done", (days, moments) => {
    expect(toldBefore(life(days))).toEqual(moments);
  });

  test.each([
    [31n * DAY, "no"],
    [30n * DAY, "no"],
    [30n * DAY - 1n, "soon"],
    [7n * DAY, "soon"],
    [7n * DAY - 1n, "urgent"],
    [0n, "urgent"],
    [-1n, "over"],
  ] as const)("with %s seconds left of a year it is %s", (left, ending) => {
    const year = life(365n);
    expect(endingOf(year, year.notAfter - left)).toBe(ending);
  });
});
