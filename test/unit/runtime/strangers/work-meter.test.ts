import { describe, expect, test } from "vitest";
import type { Standing } from "../../../../src/core/dataplane/standing.ts";
import { WorkMeter } from "../../../../src/runtime/strangers/work-meter.ts";

/** Milliseconds of work that are done in so many seconds, when there is always more of these standings, an item of each in turn. */
function workDone(seconds: number, itemMs: number, standings: readonly Standing[]): Record<Standing, number> {
  const meter = new WorkMeter(0);
  const done = { known: 0, repeated: 0, first: 0 };
  let turn = 0;
  for (let now = 0; now < seconds * 1000; ) {
    const next = Array.from(standings, (_, i) => standings[(turn + i) % standings.length]!).find(
      (standing) => meter.readyIn(standing, now) === 0,
    );
    if (next === undefined) {
      now += 1;
      continue;
    }
    turn++;
    now += itemMs;
    meter.charge(next, itemMs, now);
    done[next] += itemMs;
  }
  return done;
}

describe("work for strangers", () => {
  test.each([0.1, 1, 7, 40])("takes half of the time and what was saved up, in items of %d ms", (itemMs) => {
    const { first } = workDone(10, itemMs, ["first"]);
    expect(first).toBeGreaterThan(4_900);
    expect(first).toBeLessThanOrEqual(5_000 + 100 + itemMs);
  });

  test("takes no more when there are strangers of two kinds, and each gets as much", () => {
    const { repeated, first } = workDone(10, 1, ["repeated", "first"]);
    expect(repeated + first).toBeLessThanOrEqual(5_101);
    expect(Math.abs(repeated - first)).toBeLessThanOrEqual(2);
  });

  test("leaves a fifth of the time to those who are known, whatever the others want", () => {
    const { known, first } = workDone(10, 1, ["first", "known"]);
    expect(known).toBeGreaterThan(2_000);
    expect(first).toBeGreaterThan(2_000);
    expect(known + first).toBeLessThanOrEqual(7_000 + 142);
  });

  test("for those who are known alone takes seven tenths", () => {
    expect(workDone(10, 1, ["known"]).known).toBeLessThanOrEqual(7_000 + 142);
  });

  test("that took more than was left is paid before the next is begun", () => {
    const meter = new WorkMeter(0);
    for (let i = 0; i < 3; i++) meter.charge("first", 50, 0);
    const waitMs = meter.readyIn("first", 0);
    expect(waitMs).toBeCloseTo(100.2);
    expect(meter.readyIn("first", waitMs - 1)).toBeGreaterThan(0);
    expect(meter.readyIn("first", waitMs)).toBe(0);
    expect(meter.readyIn("known", 0)).toBe(0);
  });

  test("is not charged for a minute in which the process was stopped", () => {
    const meter = new WorkMeter(0);
    meter.charge("first", 60_000, 60_000);
    expect(meter.readyIn("first", 60_000)).toBe(0);
  });
});
