import { utf8Decode } from "./bytes.ts";

/**
 * The text of a file, or undefined where it is none: UTF-8, unless a byte order mark says that it is UTF-16, which is what editors and shells of
 * Windows write, or its first letter does: one of ASCII has a zero byte beside it there, and no text that we read has one anywhere. The mark is not
 * part of the text.
 */
export function decodeText(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return utf16Decode(bytes.subarray(2), { littleEndian: true });
  if (first === 0xfe && second === 0xff) return utf16Decode(bytes.subarray(2), { littleEndian: false });
  if (first !== 0 && second === 0) return utf16Decode(bytes, { littleEndian: true });
  if (first === 0 && second !== undefined && second !== 0) return utf16Decode(bytes, { littleEndian: false });
  return utf8Decode(bytes)?.replace(/^\uFEFF/, "");
}

function utf16Decode(bytes: Uint8Array, { littleEndian }: { readonly littleEndian: boolean }): string | undefined {
  if (bytes.length % 2 !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const units = Array.from({ length: bytes.length / 2 }, (_, at) =>
    String.fromCharCode(view.getUint16(2 * at, littleEndian)),
  );
  const text = units.join("");
  return LONE_SURROGATE.test(text) ? undefined : text;
}

const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;
