import { expect, test } from "vitest";
import { toHex } from "../../../src/core/base/bytes.ts";
import { osEntropy } from "../../../src/runtime/node-crypto.ts";

test("random bytes come in the length that was asked for, however much is drawn at once", () => {
  for (const length of [0, 1, 4, 32, 1000, 1024, 1025, 5000]) expect(osEntropy.bytes(length)).toHaveLength(length);
});

test("random bytes are given once", () => {
  const given = Array.from({ length: 500 }, (_, i) => toHex(osEntropy.bytes(16 + (i % 17))));
  expect(new Set(given).size).toBe(500);
  expect(new Set(given.map((hex) => hex.slice(0, 32))).size).toBe(500);
});

test("random bytes belong to who asked: what he does with them changes nobody else's", () => {
  const mine = osEntropy.bytes(32);
  const before = toHex(mine);
  for (let i = 0; i < 100; i++) osEntropy.bytes(32);
  expect(toHex(mine)).toBe(before);
  expect(mine.buffer.byteLength).toBe(32);
});
