import { expect, test } from "vitest";
import { realParts } from "./cast/parts.ts";
import { runSeed } from "./world/world.ts";

test("the same seed gives the same run, output for output", () => {
  for (const seed of [3, 8, 49, 50]) expect(runSeed(seed, realParts)).toEqual(runSeed(seed, realParts));
});

test("another seed gives another run", () => {
  expect(runSeed(3, realParts).digest).not.toBe(runSeed(4, realParts).digest);
});

test("a run is not an empty one", () => {
  const { sent, delivered, outputs, notices } = runSeed(3, realParts);
  expect(outputs).toBeGreaterThan(2_000);
  expect(sent).toBeGreaterThan(300);
  expect(delivered).toBeGreaterThan(200);
  expect(notices.get("tunnel-up")).toBeGreaterThan(10);
});
