import { describe, expect, test } from "vitest";
import { instant } from "../../../../../src/core/base/time.ts";
import { Asking } from "../../../../../src/core/machine/liveness/asking.ts";

const INTERVAL_MS = 1000;

/** When it asks, of the moments from one to another; `parts` of the answer follow each other. */
function askedIn(asking: Asking, from: number, to: number, parts = 1): readonly number[] {
  const asked: number[] = [];
  let left = parts;
  for (let at = from; at <= to; at++) {
    if (!asking.isDue(instant(at), INTERVAL_MS)) continue;
    asked.push(at);
    left--;
    if (left > 0) asking.goOn(instant(at));
    else left = parts;
  }
  return asked;
}

describe("what went through sessions", () => {
  test("is asked for once an interval, first after one", () => {
    expect(askedIn(new Asking(), 0, 3000)).toEqual([1000, 2000, 3000]);
  });

  test("that is told in parts is asked for part by part, with room for other work between them", () => {
    expect(askedIn(new Asking(), 0, 2000, 3)).toEqual([1000, 1010, 1020, 2000]);
  });

  test("and takes longer than the interval goes on where it was, and the next round follows", () => {
    const asked = askedIn(new Asking(), 0, 3000, 120);
    expect(asked.slice(0, 120)).toEqual(Array.from({ length: 120 }, (_, i) => 1000 + 10 * i));
    expect(asked[120]).toBe(3000);
  });

  test("is not asked for again before its next part is due, and from anew after it was stopped", () => {
    const asking = new Asking();
    expect(askedIn(asking, 0, 1000)).toEqual([1000]);
    asking.goOn(instant(1000));
    expect([asking.nextAt(), asking.isUnderWay]).toEqual([1010, true]);
    asking.stop();
    expect([asking.nextAt(), asking.isUnderWay]).toEqual([undefined, false]);
    expect(askedIn(asking, 1001, 2500)).toEqual([2001]);
  });
});
