import { describe, expect, test } from "vitest";
import { instant } from "../../../../src/core/base/time.ts";
import { Moves } from "../../../../src/core/discovery/moves.ts";

describe("a change of our own place", () => {
  test("is acted on at once, and what follows it closely together 200 ms later", () => {
    const moves = new Moves();
    moves.happened(instant(1000));
    expect(moves.takeDue(instant(1000))).toBe(true);
    moves.takeNews(instant(1000));
    moves.happened(instant(1005));
    moves.happened(instant(1100));
    expect(moves.takeDue(instant(1199))).toBe(false);
    expect(moves.nextAt()).toBe(1200);
    expect(moves.takeDue(instant(1200))).toBe(true);
    moves.happened(instant(1500));
    expect(moves.takeDue(instant(1500))).toBe(true);
  });

  test("is told of once a minute, with how many there were", () => {
    const moves = new Moves();
    const told: number[] = [];
    for (let at = 0; at <= 120_000; at += 3_000) {
      if (at < 60_000) moves.happened(instant(at));
      moves.takeDue(instant(at));
      told.push(moves.takeNews(instant(at)));
    }
    expect(told.filter((changes) => changes > 0)).toEqual([1, 19]);
    expect(moves.nextAt()).toBeUndefined();
  });

  test("is nobody's business once there is nobody to act", () => {
    const moves = new Moves();
    moves.happened(instant(0));
    moves.stop();
    expect(moves.nextAt()).toBeUndefined();
    expect(moves.takeDue(instant(10))).toBe(false);
  });
});
