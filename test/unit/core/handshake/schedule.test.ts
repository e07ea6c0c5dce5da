import { describe, expect, test } from "vitest";
import { asksAgain } from "../../../../src/core/handshake/schedule.ts";

describe("lighthouses are asked again", () => {
  test("twice for a host that does not answer", () => {
    expect(attempts(false)).toEqual([3, 5]);
  });

  test("with each attempt of the first second for one that has just fallen silent", () => {
    expect(attempts(true)).toEqual([2, 3, 4, 5]);
  });
});

function attempts(isUrgent: boolean): readonly number[] {
  return Array.from({ length: 10 }, (_, i) => i + 1).filter((attempt) => asksAgain(attempt, isUrgent));
}
