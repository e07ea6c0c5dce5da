import { expect, test } from "vitest";
import { hmacSha256, sha256 } from "../../../src/runtime/node-hash.ts";
import { repeated } from "../../vectors/hex.ts";

test("a digest stays what it was when others are made, and has no memory of theirs", () => {
  const first = sha256(repeated(1));
  const mac = hmacSha256(repeated(2), repeated(1));
  const [before, macBefore] = [first.slice(), mac.slice()];
  for (let i = 0; i < 100; i++) {
    sha256(repeated(i));
    hmacSha256(repeated(i), repeated(i));
  }
  expect(first).toEqual(before);
  expect(mac).toEqual(macBefore);
  expect(first.buffer.byteLength).toBe(32);
  expect(Object.getPrototypeOf(mac)).toBe(Uint8Array.prototype);
});

test("what is hashed is left as it was", () => {
  const [key, text] = [repeated(7), repeated(9, 100)];
  hmacSha256(key, text);
  sha256(key, text);
  expect([key, text]).toEqual([repeated(7), repeated(9, 100)]);
});
