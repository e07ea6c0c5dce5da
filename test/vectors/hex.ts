import { fromHex } from "../../src/core/base/bytes.ts";

/** The bytes of a vector; a typing error in a vector is a broken test. */
export function hex(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (!bytes) throw new Error(`not hex: ${text}`);
  return bytes;
}

/** `length` times the same byte: the private keys of made-up hosts. */
export function repeated(byte: number, length = 32): Uint8Array {
  return new Uint8Array(length).fill(byte);
}
