import { describe, expect, test } from "vitest";
import { toldMs, turnMs } from "../../../../src/core/punch/turns.ts";

describe("two hosts that a lighthouse has told of each other at one moment", () => {
  test.each([
    ["both are near", 10, 10, 20],
    ["the other one has not said how far it is", 100, 0, 20],
    ["we do not know how far we are", 0, 80, 80],
    ["the other one is far", 20, 100, 90],
    ["both are far", 100, 100, 50],
    ["we are far, so that our word comes late anyway", 200, 100, 20],
    ["the other one says that it is at the end of the world", 0, 65_535, 120],
  ])("%s: the first packet to the other's port goes out in time", (_, own, other, expected) => {
    expect(turnMs({ roundTripMs: own }, { roundTripMs: other }, 20)).toBe(expected);
  });

  test("whatever their distances, what one sends comes when the other's byte has opened its translator", () => {
    // As ways are laid: from the lighthouse, and from each other, the translator of a host lies before the host.
    for (const lighthouseMs of [0, 10, 40, 100])
      for (const accessMs of [0, 10, 30, 59])
        for (const ownMs of [0, 10, 40, 100]) {
          const other = { roundTripMs: toldMs(0, 2 * (lighthouseMs + accessMs)) };
          const own = { roundTripMs: toldMs(0, 2 * ownMs) };
          const openAt = lighthouseMs + 2 * accessMs;
          const betweenMs = Math.abs(lighthouseMs - ownMs);
          const arrivesAt = ownMs + turnMs(own, other, 20) + betweenMs;
          expect(arrivesAt, `${lighthouseMs} + ${accessMs} ms and ${ownMs} ms`).toBeGreaterThanOrEqual(openAt);
        }
  });
});

describe("what a host says of how far it is", () => {
  test("is a step of ten, and the same while it varies", () => {
    let told = 0;
    const said = [41, 43, 55, 48, 31, 58, 42].map((measured) => (told = toldMs(told, measured)));
    expect(said).toEqual([50, 50, 60, 60, 60, 60, 60]);
  });

  test("is less when it has come near", () => {
    expect(toldMs(100, 41)).toBe(50);
    expect(toldMs(100, 51)).toBe(100);
  });

  test("has room in a report", () => {
    expect(toldMs(0, 1e9)).toBe(65_535);
  });
});
