import { describe, expect, test } from "vitest";
import { instant } from "../../../../src/core/base/time.ts";
import { ProbeBudget, type ProbeKind } from "../../../../src/core/discovery/probe-budget.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";

const lighthouse = "10.77.0.1" as IpAddress;
const other = "10.77.0.2" as IpAddress;
const place = "203.0.113.1:4242" as Endpoint;

describe("to places that only a lighthouse has named there go", () => {
  test("ten calls and four punches each, and one more every three seconds", () => {
    const budget = new ProbeBudget();
    expect(taken(budget, "call", 100, () => place)).toBe(10);
    expect(taken(budget, "punch", 100, () => place)).toBe(4);
    expect(taken(budget, "call", 100, () => place, 2_999)).toBe(0);
    expect(taken(budget, "call", 100, () => place, 3_000)).toBe(1);
    expect(taken(budget, "call", 100, () => place, 60_000)).toBe(10);
  });

  test("two hundred calls to one address, whatever the port", () => {
    const budget = new ProbeBudget();
    expect(taken(budget, "call", 10_000, (i) => `203.0.113.1:${1 + i}` as Endpoint)).toBe(200);
  });

  test("four thousand calls and two hundred punches in all, and 250 and 25 a second", () => {
    const budget = new ProbeBudget();
    expect(taken(budget, "call", 10_000, nth)).toBe(4_000);
    expect(taken(budget, "punch", 10_000, nth)).toBe(200);
    expect(taken(budget, "call", 10_000, (i) => nth(20_000 + i), 1_000)).toBe(250);
    expect(taken(budget, "punch", 10_000, (i) => nth(20_000 + i), 1_000)).toBe(25);
  });

  test("as many when another lighthouse has named them, too", () => {
    const budget = new ProbeBudget();
    taken(budget, "call", 10_000, nth);
    expect(budget.take("call", other, nth(0), instant(0))).toBe(true);
  });
});

/** How many of so many probes may be sent. */
function taken(budget: ProbeBudget, kind: ProbeKind, count: number, to: (i: number) => Endpoint, now = 0): number {
  return Array.from({ length: count }, (_, i) => budget.take(kind, lighthouse, to(i), instant(now))).filter(Boolean)
    .length;
}

function nth(i: number): Endpoint {
  return `198.${18 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}:1` as Endpoint;
}
