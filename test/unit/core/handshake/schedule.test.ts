import { describe, expect, test } from "vitest";
import { asksAgain, awaitedMs } from "../../../../src/core/handshake/schedule.ts";

describe("lighthouses are asked again", () => {
  test("twice for a host that does not answer", () => {
    expect(attempts(false)).toEqual([3, 5]);
  });

  test("with each attempt of the first second for one that has just fallen silent", () => {
    expect(attempts(true)).toEqual([2, 3, 4, 5]);
  });
});

test("a session is awaited until the last attempt of its call has had its time", () => {
  expect(awaitedMs({ tryIntervalMs: 100, retries: 10 })).toBe(5_500);
  expect(awaitedMs({ tryIntervalMs: 250, retries: 1 })).toBe(250);
});

function attempts(isUrgent: boolean): readonly number[] {
  return Array.from({ length: 10 }, (_, i) => i + 1).filter((attempt) => asksAgain(attempt, isUrgent));
}
