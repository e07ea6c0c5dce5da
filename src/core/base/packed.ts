import type { Brand } from "./brand.ts";

/**
 * Bytes that are kept for long and hardly ever looked at, as text of a byte a character: an array of its own takes some 300 bytes beside those that are in it,
 * in the heap and outside of it, and text takes 16.
 */
export type PackedBytes = Brand<string, "PackedBytes">;

/** More arguments at once than this may be too many for the stack. */
const CHARACTERS_AT_ONCE = 4_096;

export function packed(bytes: Uint8Array): PackedBytes {
  if (bytes.length <= CHARACTERS_AT_ONCE) return textOf(bytes) as PackedBytes;
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += CHARACTERS_AT_ONCE)
    pieces.push(textOf(bytes.subarray(at, at + CHARACTERS_AT_ONCE)));
  return pieces.join("") as PackedBytes;
}

/** The same bytes again, in an array of their own. */
export function unpacked(text: PackedBytes): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Applied and not spread: an array that is spread is walked by its iterator, at seven times the cost. */
function textOf(bytes: Uint8Array): string {
  return Reflect.apply(String.fromCharCode, undefined, bytes);
}
