import { describe, expect, test } from "vitest";
import { type Instant, instant } from "../../../../../src/core/base/time.ts";
import { stepAfter } from "../../../../../src/core/machine/liveness/doubt.ts";

const SINCE = instant(1_000);

describe("a session in doubt", () => {
  test("is asked twice and judged when both answers have had their time", () => {
    expect(steps({ judgeAfterMs: 100, isLossy: false })).toEqual([
      ["ask", 0],
      ["ask", 25],
      ["judge", 100],
    ]);
  });

  test("on a way that loses much is asked four times, and waited for longer", () => {
    expect(steps({ judgeAfterMs: 100, isLossy: true })).toEqual([
      ["ask", 0],
      ["ask", 25],
      ["ask", 50],
      ["ask", 75],
      ["judge", 150],
    ]);
  });
});

function steps(way: { readonly judgeAfterMs: number; readonly isLossy: boolean }): readonly [string, number][] {
  const all: [string, number][] = [];
  for (let asked = 0; ; asked++) {
    const { what, at }: { what: string; at: Instant } = stepAfter(asked, SINCE, way);
    all.push([what, at - SINCE]);
    if (what === "judge") return all;
  }
}
