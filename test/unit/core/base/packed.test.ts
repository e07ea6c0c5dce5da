import { expect, test } from "vitest";
import { packed, unpacked } from "../../../../src/core/base/packed.ts";

test.each([0, 1, 256, 4_096, 4_097, 65_507])(
  "%i bytes are the same after they were packed, a character each",
  (length) => {
    const bytes = Uint8Array.from({ length }, (_, i) => i);
    const text = packed(bytes);
    expect(text).toHaveLength(length);
    expect(unpacked(text)).toEqual(bytes);
  },
);

test("equal bytes make equal text, and what is unpacked is nobody else's", () => {
  const text = packed(Uint8Array.of(0, 127, 128, 255));
  expect(packed(Uint8Array.of(0, 127, 128, 255))).toBe(text);
  unpacked(text).fill(1);
  expect(unpacked(text)).toEqual(Uint8Array.of(0, 127, 128, 255));
});
