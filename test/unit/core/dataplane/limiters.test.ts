import { describe, expect, test } from "vitest";
import { instant } from "../../../../src/core/base/time.ts";
import { SourceLimiter, tokensOf } from "../../../../src/core/dataplane/reference/limiters.ts";
import { type Endpoint, endpointAddress } from "../../../../src/core/netip/endpoint.ts";

describe("a limiter in tiers", () => {
  const limiter = (): SourceLimiter =>
    new SourceLimiter([
      { rate: { perSecond: 1, burst: 2 }, of: { 4: 32, 6: 64 } },
      { rate: { perSecond: 1, burst: 3 }, of: "everybody", standings: ["first"] },
      { rate: { perSecond: 1, burst: 1 }, of: "everybody", standings: ["known"] },
    ]);
  const admitted = (subject: SourceLimiter, source: string, at = 0): boolean =>
    subject.admits(endpointAddress(source as Endpoint), { standing: "first", tokens: 1 }, instant(at));

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

  test("lets no standing take the tokens of another", () => {
    const subject = limiter();
    const known = (source: string): boolean =>
      subject.admits(endpointAddress(source as Endpoint), { standing: "known", tokens: 1 }, instant(0));
    expect([1, 2, 3, 4].map((n) => admitted(subject, `192.0.2.${n}:1`))).toEqual([true, true, true, false]);
    expect([5, 6].map((n) => known(`192.0.2.${n}:1`))).toEqual([true, false]);
  });

  test("takes all the tokens that a datagram costs, or none", () => {
    const subject = limiter();
    const costly = (source: string): boolean =>
      subject.admits(endpointAddress(source as Endpoint), { standing: "first", tokens: 2 }, instant(0));
    expect([1, 2].map((n) => costly(`192.0.2.${n}:1`))).toEqual([true, false]);
    expect(admitted(subject, "192.0.2.2:1")).toBe(true);
  });

  test.each([
    [0, 1],
    [1500, 1],
    [1501, 2],
    [9001, 7],
  ])("a datagram of %i bytes costs %i", (bytes, tokens) => {
    expect(tokensOf(new Uint8Array(bytes))).toBe(tokens);
  });

  test("gives back a token in whole milliseconds", () => {
    const subject = limiter();
    admitted(subject, "[2001:db8::1]:1");
    admitted(subject, "[2001:db8::2]:1");
    expect(admitted(subject, "[2001:db8::3]:1", 999)).toBe(false);
    expect(admitted(subject, "[2001:db8::3]:1", 1000)).toBe(true);
  });
});
