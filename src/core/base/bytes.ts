/** Byte strings: hex, UTF-8, comparison and big-endian integers, without anything of the platform. */

/** Lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  // Joined in one step: what is put together digit by digit is kept as a chain of pieces, ten times as large.
  const pairs: (string | undefined)[] = new Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) pairs[i] = HEX_OF[bytes[i] ?? 0];
  return pairs.join("");
}

/** Bytes of a hex string, either case; undefined when it is none or has an odd number of digits. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const high = hexValue(text.charCodeAt(2 * i));
    const low = hexValue(text.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) return undefined;
    bytes[i] = (high << 4) | low;
  }
  return bytes;
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** What is in use of these bytes, in memory that has room for so many more and as much again. */
export function enlarged(bytes: Uint8Array, used: number, more: number): Uint8Array {
  const larger = new Uint8Array(2 * (used + more));
  larger.set(bytes.subarray(0, used));
  return larger;
}

/** Whether both hold the same bytes. For public values: it stops at the first difference. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Numerical order of byte strings of one length; shorter before longer. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return a.length - b.length;
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** UTF-8 of a string; a lone surrogate becomes U+FFFD. */
export function utf8Encode(text: string): Uint8Array {
  return asciiBytes(text) ?? encodedText(text);
}

/** Most texts are; undefined for others. */
function asciiBytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return undefined;
    bytes[i] = code;
  }
  return bytes;
}

function encodedText(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    let point = character.codePointAt(0) ?? 0;
    if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd;
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), continuation(point));
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), continuation(point >> 6), continuation(point));
    else bytes.push(0xf0 | (point >> 18), continuation(point >> 12), continuation(point >> 6), continuation(point));
  }
  return Uint8Array.from(bytes);
}

/** Text of well-formed UTF-8; undefined for anything else (overlong forms, surrogates, above U+10FFFF, cut off). */
export function utf8Decode(bytes: Uint8Array): string | undefined {
  let text = "";
  for (let i = 0; i < bytes.length; ) {
    const lead = bytes[i] ?? 0;
    const length = sequenceLength(lead);
    if (length === 0 || i + length > bytes.length) return undefined;
    let point = length === 1 ? lead : lead & (0x7f >> length);
    for (let k = 1; k < length; k++) {
      const byte = bytes[i + k] ?? 0;
      if ((byte & 0xc0) !== 0x80) return undefined;
      point = (point << 6) | (byte & 0x3f);
    }
    if (point < (SMALLEST_POINT[length] ?? 0) || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
      return undefined;
    text += String.fromCodePoint(point);
    i += length;
  }
  return text;
}

export function readUint16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}

export function readUint32(bytes: Uint8Array, offset: number): number {
  return ((readUint16(bytes, offset) << 16) | readUint16(bytes, offset + 2)) >>> 0;
}

export function readUint64(bytes: Uint8Array, offset: number): bigint {
  return (BigInt(readUint32(bytes, offset)) << 32n) | BigInt(readUint32(bytes, offset + 4));
}

export function writeUint16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
}

export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  writeUint16(bytes, offset, value >>> 16);
  writeUint16(bytes, offset + 2, value);
}

export function writeUint64(bytes: Uint8Array, offset: number, value: bigint): void {
  writeUint32(bytes, offset, Number((value >> 32n) & 0xffff_ffffn));
  writeUint32(bytes, offset + 4, Number(value & 0xffff_ffffn));
}

const HEX_OF: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Value of the hex digit with this character code, or -1. */
function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Smallest code point that needs a sequence of this length: anything below is an overlong form. */
const SMALLEST_POINT = [0, 0, 0x80, 0x800, 0x10000] as const;

function continuation(point: number): number {
  return 0x80 | (point & 0x3f);
}

function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc0) return 0;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf8 ? 4 : 0;
}
