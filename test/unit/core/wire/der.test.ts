import { describe, expect, test } from "vitest";
import { toHex } from "../../../../src/core/base/bytes.ts";
import { Fault } from "../../../../src/core/base/fault.ts";
import { countDerElements, DerReader, derElement, derInteger, parseDerInteger } from "../../../../src/core/wire/der.ts";
import { hex } from "../../../vectors/hex.ts";

test("lengths have their shortest form", () => {
  expect(toHex(derElement(0x04, new Uint8Array(0x7f))).slice(0, 4)).toBe("047f");
  expect(toHex(derElement(0x04, new Uint8Array(0x80))).slice(0, 6)).toBe("048180");
  expect(toHex(derElement(0x04, new Uint8Array(0x100))).slice(0, 8)).toBe("04820100");
  expect(() => derElement(0x04, new Uint8Array(0x10000))).toThrow(Fault);
});

describe("an element is refused", () => {
  test.each([
    ["with no length", "04"],
    ["with less content than it says", "0402aa"],
    ["with a length that could be shorter", "048101aa"],
    ["with a length that begins with zero", "04820001aa"],
    ["of indefinite length", "0480aa0000"],
    ["with more length bytes than any certificate needs", "0483010000"],
    ["with length bytes that are cut off", "0482"],
    ["with another tag", "0501aa"],
  ])("%s", (_, bytes) => {
    const reader = new DerReader(hex(bytes));
    expect(reader.read(0x04)).toBeUndefined();
    expect(reader.failed).toBe(true);
  });
});

test("after the first mistake nothing is read any more", () => {
  const reader = new DerReader(hex("0501aa"));
  reader.read(0x04);
  expect(reader.read(0x05)).toBeUndefined();
  expect(reader.readOptional(0x05)).toBeUndefined();
  expect(reader.next(0x05)).toBe(false);
});

test.each([
  ["", 0],
  ["0400", 1],
  ["0401aa0c00a10104", 3],
  ["0400ff", 2],
  ["0402aa", 1],
  ["04800000", 1],
])("in %j stand %i elements, the last one perhaps broken", (bytes, count) => {
  expect(countDerElements(hex(bytes))).toBe(count);
});

test("an optional element that is not there consumes nothing", () => {
  const reader = new DerReader(hex("0501aa"));
  expect(reader.readOptional(0x04)).toBeUndefined();
  expect(reader.readWhole(0x05)).toEqual({ raw: hex("0501aa"), content: hex("aa") });
  expect([reader.atEnd, reader.failed]).toEqual([true, false]);
});

test.each([
  [0n, "00"],
  [127n, "7f"],
  [128n, "0080"],
  [-128n, "80"],
  [-129n, "ff7f"],
  [1_700_000_000n, "6553f100"],
  [2n ** 63n - 1n, "7fffffffffffffff"],
  [-(2n ** 63n), "8000000000000000"],
])("the integer %s is %s", (value, bytes) => {
  expect(toHex(derInteger(value))).toBe(bytes);
  expect(parseDerInteger(hex(bytes))).toBe(value);
});

test.each(["", "0000", "007f", "ff80", "ffff"])("%j is no minimal integer", (bytes) => {
  expect(parseDerInteger(hex(bytes))).toBeUndefined();
});
