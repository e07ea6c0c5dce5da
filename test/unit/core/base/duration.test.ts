import { expect, test } from "vitest";
import { formatDuration, formatWait } from "../../../../src/core/base/duration.ts";

test.each([
  [0n, "0 s"],
  [59n, "59 s"],
  [60n, "1 min"],
  [3_599n, "59 min"],
  [3_600n, "1 h"],
  [7_500n, "2 h 5 min"],
  [172_799n, "47 h 59 min"],
  [172_800n, "2 days"],
  [3n * 86_400n + 5n, "3 days"],
  [10_000n * 86_400n, "10000 days"],
])("%s seconds are %s", (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test.each([
  [0.4, "0 ms"],
  [499.9996, "500 ms"],
  [999.7, "1 s"],
  [5_512.3, "5.5 s"],
  [10_000.338_204_000_001, "10 s"],
  [123_456, "123 s"],
])("a wait of %f ms is said in round numbers", (ms, text) => {
  expect(formatWait(ms)).toBe(text);
});
