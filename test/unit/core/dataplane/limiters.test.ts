import { describe, expect, test } from "vitest";
import { instant } from "../../../../src/core/base/time.ts";
import { SourceLimiter } from "../../../../src/core/dataplane/reference/limiters.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";

describe("a limiter in tiers", () => {
  const limiter = (): SourceLimiter =>
    new SourceLimiter([
      { rate: { perSecond: 1, burst: 2 }, bits: { 4: 32, 6: 64 } },
      { rate: { perSecond: 1, burst: 3 }, bits: "all" },
    ]);
  const admitted = (subject: SourceLimiter, source: string, at = 0): boolean =>
    subject.admits(source as Endpoint, instant(at));

  test("takes from no tier when one of them is empty", () => {
    const subject = limiter();
    expect([1, 2, 3, 4].map(() => admitted(subject, "192.0.2.1:1"))).toEqual([true, true, false, false]);
    expect(admitted(subject, "192.0.2.2:1")).toBe(true);
    expect(admitted(subject, "192.0.2.3:1")).toBe(false);
  });

  test("looks at the address, not at the port", () => {
    const subject = limiter();
    expect(["192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3"].map((source) => admitted(subject, source))).toEqual([
      true,
      true,
      false,
    ]);
  });

  test("gives back a token in whole milliseconds", () => {
    const subject = limiter();
    admitted(subject, "[2001:db8::1]:1");
    admitted(subject, "[2001:db8::2]:1");
    expect(admitted(subject, "[2001:db8::3]:1", 999)).toBe(false);
    expect(admitted(subject, "[2001:db8::3]:1", 1000)).toBe(true);
  });
});
