import { describe, expect, test } from "vitest";
import { toHex } from "../../../../src/core/base/bytes.ts";
import { ProtobufReader, ProtobufWriter } from "../../../../src/core/wire/protobuf.ts";
import { hex } from "../../../vectors/hex.ts";

describe("reading", () => {
  test("numbers keep all 64 bits, and negative ones their sign", () => {
    expect(onlyNumber("08ffffffffffffffffff01")).toBe(2n ** 64n - 1n);
    expect(onlyNumber("0880808080808080808001")).toBe(2n ** 63n);
    expect(onlyNumber("0896ffffff0f")).toBe(0xffffff96n);
    const reader = new ProtobufReader(hex("08ffffffffffffffffff01"));
    reader.next();
    expect(reader.int64()).toBe(-1n);
  });

  test.each([
    ["a number that is cut off", "0880"],
    ["a number of eleven bytes", "08ffffffffffffffffffff01"],
    ["a number of more than 64 bits", "08ffffffffffffffffff02"],
    ["bytes that are cut off", "0a05aabb"],
    ["a length of nearly 2^64", "0affffffffffffffffff01"],
    ["field number 0", "0001"],
    ["a field number above the limit", "8080808080010000"],
    ["the end of a group that was not begun", "0c"],
    ["a group that does not end", "0b0801"],
    ["a wire type that does not exist", "0e"],
    ["eight bytes of which seven are there", "0901020304050607"],
  ])("%s ends it", (_, bytes) => {
    const reader = new ProtobufReader(hex(bytes));
    while (reader.next());
    expect(reader.failed).toBe(true);
    expect(reader.next()).toBe(false);
  });

  test("unknown fields of every wire type are skipped, groups inside groups too", () => {
    const groups = "5b".repeat(200) + "5c".repeat(200);
    const reader = new ProtobufReader(
      hex(`10ff01 190102030405060708 2201aa 2d01020304 ${groups} 0807`.replaceAll(" ", "")),
    );
    const fields: number[] = [];
    let value = 0n;
    while (reader.next()) {
      fields.push(reader.field);
      if (reader.field === 1) value = reader.uint64();
    }
    expect(reader.failed).toBe(false);
    expect(fields).toEqual([2, 3, 4, 5, 11, 1]);
    expect(value).toBe(7n);
  });

  test("an embedded message is read field by field, ends where it says, and what is behind it follows", () => {
    const reader = new ProtobufReader(hex("0a060807120208091005"));
    const fields: string[] = [];
    reader.next();
    const outer = reader.enter();
    while (reader.next()) {
      if (reader.field === 2) {
        const inner = reader.enter();
        while (reader.next()) fields.push(`2.${reader.field}=${reader.uint32()}`);
        reader.leave(inner);
      } else fields.push(`1.${reader.field}=${reader.uint32()}`);
    }
    reader.leave(outer);
    while (reader.next()) fields.push(`${reader.field}=${reader.uint32()}`);
    expect(reader.failed).toBe(false);
    expect(fields).toEqual(["1.1=7", "2.1=9", "2=5"]);
  });

  test("what is left of an embedded message is passed over", () => {
    const reader = new ProtobufReader(hex("0a0408070809 1005".replaceAll(" ", "")));
    reader.next();
    const outer = reader.enter();
    reader.next();
    reader.leave(outer);
    expect([reader.next(), reader.field, reader.uint32(), reader.next(), reader.failed]).toEqual([
      true,
      2,
      5,
      false,
      false,
    ]);
  });

  test.each([
    ["that is longer than what it is in", "0a050807"],
    ["whose last number goes beyond its end", "0a0208801005"],
    ["whose bytes go beyond its end", "0a020a051005aabbcc"],
    ["in a field that holds a number", "0807"],
  ])("an embedded message %s is a mistake", (_, bytes) => {
    const reader = new ProtobufReader(hex(bytes));
    reader.next();
    const outer = reader.enter();
    while (reader.next());
    reader.leave(outer);
    expect([reader.failed, reader.next()]).toEqual([true, false]);
  });

  test("a known field of the wrong wire type, or a number too large for it, is a mistake", () => {
    const asNumber = new ProtobufReader(hex("0a0101"));
    asNumber.next();
    expect([asNumber.uint32(), asNumber.failed]).toEqual([0, true]);
    const asBytes = new ProtobufReader(hex("0801"));
    asBytes.next();
    expect([asBytes.bytes().length, asBytes.failed]).toEqual([0, true]);
    const tooLarge = new ProtobufReader(hex("088080808010"));
    tooLarge.next();
    expect([tooLarge.uint32(), tooLarge.failed]).toEqual([0, true]);
    const notText = new ProtobufReader(hex("0a01ff"));
    notText.next();
    expect([notText.text(), notText.failed]).toEqual(["", true]);
  });

  test("what lies between two offsets is the field that was passed over", () => {
    const fields = ["08ff01", "1201aa", "1a00", `2282${"01"}${"07".repeat(130)}`];
    const message = hex(fields.join(""));
    const reader = new ProtobufReader(message);
    const seen: string[] = [];
    for (let from = 0; reader.next(); from = reader.offset) {
      if (reader.field === 2) reader.bytes();
      reader.skip();
      seen.push(toHex(message.subarray(from, reader.offset)));
    }
    expect(reader.failed).toBe(false);
    expect(seen).toEqual(fields);
  });

  test("repeated numbers are read packed and one by one, up to the limit", () => {
    const reader = new ProtobufReader(hex("0a040102ac020805" + "0a020607"));
    const list: number[] = [];
    while (reader.next()) reader.uint32s(list, 5);
    expect(reader.failed).toBe(false);
    expect(list).toEqual([1, 2, 300, 5, 6]);
    const bad = new ProtobufReader(hex("0a0180"));
    bad.next();
    bad.uint32s([], 5);
    expect(bad.failed).toBe(true);
  });
});

describe("writing", () => {
  test("zero and empty are left out, except where an element stands for itself", () => {
    const bytes = new ProtobufWriter()
      .varint(1, 0)
      .bytes(2, new Uint8Array())
      .packedUint32s(3, [])
      .message(4, new Uint8Array());
    expect(toHex(bytes.finish())).toBe("2200");
  });

  test("numbers are minimal, negative ones ten bytes long, high field numbers two", () => {
    expect(toHex(new ProtobufWriter().varint(1, 300).varint(5, -1n).varint(100, 1).finish())).toBe(
      "08ac0228ffffffffffffffffff01a00601",
    );
  });

  test.each([0, 1, 127, 128, 129, 500, 16_383, 16_384, 70_000])(
    "a message of %i bytes that is written in place is the same as one that was written before",
    (length) => {
      const content = Uint8Array.from({ length }, (_, i) => i % 251);
      const before = new ProtobufWriter().message(3, content).finish();
      const writer = new ProtobufWriter().varint(1, 7);
      const outer = writer.open(2);
      const written = writer.message(3, content).close(outer).varint(4, 9).finish();
      const expected = new ProtobufWriter().varint(1, 7).message(2, before).varint(4, 9).finish();
      expect(toHex(written)).toBe(toHex(expected));
    },
  );

  test.each([
    [2n ** 31n, "8080808008"],
    [2n ** 32n - 1n, "ffffffff0f"],
    [2n ** 32n, "8080808010"],
    [2n ** 35n - 1n, "ffffffff7f"],
    [2n ** 35n, "808080808001"],
    [2n ** 63n, "80808080808080808001"],
    [1_764_374_400_123_456_789n, undefined],
  ])("a number of any length is written as it is read: %d", (value, bytes) => {
    const message = new ProtobufWriter().varint(1, value).finish();
    if (bytes !== undefined) expect(toHex(message)).toBe(`08${bytes}`);
    const reader = new ProtobufReader(message);
    reader.next();
    expect([reader.uint64(), reader.next(), reader.failed]).toEqual([value, false, false]);
  });

  test("fields that are encoded already are taken as they are, in an element whose length changes with them", () => {
    const writer = new ProtobufWriter();
    const start = writer.open(3);
    writer.append(hex("08ff01")).append(new Uint8Array(130));
    const whole = writer.close(start).varint(4, 1).finish();
    expect(toHex(whole)).toBe(`1a850108ff01${"00".repeat(130)}2001`);
  });

  test.each([
    ["the very bytes", "08011202aabb", true],
    ["a byte less", "08011202aa", false],
    ["a byte more", "08011202aabb00", false],
    ["another byte", "08011202aabc", false],
    ["nothing", "", false],
  ])("a message is compared in place: %s", (_, bytes, isSame) => {
    expect(new ProtobufWriter().varint(1, 1).bytes(2, hex("aabb")).finishesAs(hex(bytes))).toBe(isSame);
    expect(toHex(new ProtobufWriter().varint(1, 1).finish())).toBe("0801");
  });

  test("writers that are written to in turn do not share bytes", () => {
    new ProtobufWriter().varint(1, 1).finish();
    const one = new ProtobufWriter().varint(1, 1);
    const other = new ProtobufWriter().varint(1, 2);
    one.varint(2, 3);
    other.varint(2, 4);
    expect([one, other].map((writer) => toHex(writer.finish()))).toEqual(["08011003", "08021004"]);
    const next = new ProtobufWriter().varint(1, 5);
    expect(toHex(next.finish())).toBe("0805");
  });
});

function onlyNumber(bytes: string): bigint {
  const reader = new ProtobufReader(hex(bytes));
  expect(reader.next()).toBe(true);
  return reader.uint64();
}
