import { expect, test } from "vitest";
import { fromBase64, toBase64 } from "../../../../src/core/base/base64.ts";
import {
  compareBytes,
  concatBytes,
  equalBytes,
  fromHex,
  readUint16,
  readUint32,
  readUint64,
  toHex,
  utf8Decode,
  utf8Encode,
  writeUint16,
  writeUint32,
  writeUint64,
} from "../../../../src/core/base/bytes.ts";

test("hex is written in lower case and read in either", () => {
  expect(toHex(Uint8Array.of(0, 0x0f, 0xab, 0xff))).toBe("000fabff");
  expect(fromHex("000FabFF")).toEqual(Uint8Array.of(0, 0x0f, 0xab, 0xff));
  expect(fromHex("")).toEqual(new Uint8Array());
  for (const text of ["0", "0g", " 00", "0x00", "00 ", "é0"]) expect(fromHex(text)).toBeUndefined();
});

test("integers are big endian and keep all their bits", () => {
  const bytes = new Uint8Array(16);
  writeUint16(bytes, 1, 0xfffe);
  writeUint32(bytes, 3, 0xdeadbeef);
  writeUint64(bytes, 7, 0xfedc_ba98_7654_3210n);
  expect(toHex(bytes)).toBe("00fffedeadbeeffedcba987654321000");
  expect(readUint16(bytes, 1)).toBe(0xfffe);
  expect(readUint32(bytes, 3)).toBe(0xdeadbeef);
  expect(readUint64(bytes, 7)).toBe(0xfedc_ba98_7654_3210n);
});

test("byte strings are equal only when every byte is", () => {
  const [a, b, shorter] = [Uint8Array.of(1, 2), Uint8Array.of(1, 3), Uint8Array.of(1)];
  const verdicts = [
    equalBytes(a, a.slice()),
    equalBytes(a, b),
    equalBytes(a, shorter),
    equalBytes(a, new Uint8Array()),
  ];
  expect(verdicts).toEqual([true, false, false, false]);
  expect(Math.sign(compareBytes(a, b))).toBe(-1);
  expect(compareBytes(a, a.slice())).toBe(0);
  expect(compareBytes(shorter, a)).toBeLessThan(0);
  expect(concatBytes(a, new Uint8Array(), shorter)).toEqual(Uint8Array.of(1, 2, 1));
});

test("only well-formed UTF-8 is text", () => {
  expect(utf8Decode(utf8Encode("a é € 😀 \u0000"))).toBe("a é € 😀 \u0000");
  const malformed = {
    "cut off": "e282",
    "a continuation alone": "80",
    "an overlong slash": "c0af",
    "an overlong form of three bytes": "e080af",
    "a surrogate": "eda080",
    "above U+10FFFF": "f4908080",
    "a lead byte that does not exist": "f8888080",
  };
  for (const [what, hex] of Object.entries(malformed)) expect(utf8Decode(fromHex(hex)!), what).toBeUndefined();
  expect(utf8Encode("\ud800")).toEqual(utf8Encode("\ufffd"));
  for (const text of ["", "\u007f", "\u0080", "only ascii", "ascii, then é"])
    expect(utf8Encode(text)).toEqual(new Uint8Array(Buffer.from(text)));
});

test("base64 has its padding and no bits to spare", () => {
  expect(["", "f", "fo", "foo", "foob", "fooba"].map((text) => toBase64(utf8Encode(text)))).toEqual([
    "",
    "Zg==",
    "Zm8=",
    "Zm9v",
    "Zm9vYg==",
    "Zm9vYmE=",
  ]);
  for (const text of ["Zg", "Zg=", "Zh==", "Zm9=", "Z===", "Zm8=Zm8=", "Zm\n9v", "Zm-_", "===="]) {
    expect(fromBase64(text), text).toBeUndefined();
  }
});
