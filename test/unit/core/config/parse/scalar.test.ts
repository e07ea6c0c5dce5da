import { describe, expect, test } from "vitest";
import { parseBoolean, parseDurationMs, parseInteger } from "../../../../../src/core/config/parse/scalar.ts";

describe("a boolean", () => {
  test.each(["true", "True", "TRUE", "t", "1", "y", "Yes"])("is true when it is written %s", (text) => {
    expect(parseBoolean(text)).toBe(true);
  });

  test.each(["false", "F", "0", "n", "NO"])("is false when it is written %s", (text) => {
    expect(parseBoolean(text)).toBe(false);
  });

  test.each(["", "on", "2", "truee", "__proto__"])("is not written %j", (text) => {
    expect(parseBoolean(text)).toBeUndefined();
  });
});

describe("a duration", () => {
  test.each([
    ["0", 0],
    ["250ms", 250],
    ["1h30m", 5_400_000],
    ["1.5s", 1_500],
    [".5s", 500],
    ["1m30s", 90_000],
    ["10m", 600_000],
  ])("%s has its milliseconds", (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  test("below a millisecond is one, so that it does not mean never or always", () => {
    expect(parseDurationMs("1us")).toBe(1);
  });

  test.each(["", "30", "-5s", "5 s", "s", "1d", "1s2", "1..5s", "9".repeat(400)])("is not written %j", (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  });
});

describe("an integer", () => {
  test.each([
    ["4242", 4242],
    ["-1", -1],
    ["007", 7],
  ])("%s is one", (text, value) => {
    expect(parseInteger(text)).toBe(value);
  });

  test.each(["", "4242x", "1e3", "0x10", "1.0", "+1", "99999999999999999"])("is not written %j", (text) => {
    expect(parseInteger(text)).toBeUndefined();
  });
});
