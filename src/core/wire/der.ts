import { concatBytes } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";

/**
 * Reads DER (X.690) element by element, strictly: single-byte tags, definite minimal lengths, at most 65,535 bytes of content. After the
 * first mistake every read gives undefined and `failed` stays true, so that a caller may look once at the end.
 */
export class DerReader {
  readonly #bytes: Uint8Array;
  #offset = 0;
  #failed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get failed(): boolean {
    return this.#failed;
  }

  get atEnd(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  /** Whether the next element has this tag. */
  next(tag: number): boolean {
    return !this.#failed && this.#bytes[this.#offset] === tag;
  }

  /** Content of the next element, which must have this tag. */
  read(tag: number): Uint8Array | undefined {
    return this.readWhole(tag)?.content;
  }

  /** Content of the next element when it has this tag; undefined, and nothing is consumed, when it has another. */
  readOptional(tag: number): Uint8Array | undefined {
    return this.next(tag) ? this.read(tag) : undefined;
  }

  /** The next element with its tag and length bytes (`raw`), and its content. */
  readWhole(tag: number): { readonly raw: Uint8Array; readonly content: Uint8Array } | undefined {
    const start = this.#offset;
    if (!this.next(tag)) return this.#fail();
    const length = this.#readLength();
    if (length === undefined) return undefined;
    const end = this.#offset + length;
    if (end > this.#bytes.length) return this.#fail();
    const content = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return { raw: this.#bytes.subarray(start, end), content };
  }

  /** Passes over the next element, whatever it is. */
  skip(): void {
    const length = this.#readLength();
    if (length === undefined) return;
    this.#offset += length;
    if (this.#offset > this.#bytes.length) this.#fail();
  }

  #readLength(): number | undefined {
    const first = this.#bytes[this.#offset + 1];
    if (first === undefined) return this.#fail();
    this.#offset += 2;
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count < 1 || count > LENGTH_BYTES_MAX || this.#offset + count > this.#bytes.length) return this.#fail();
    let length = 0;
    for (let i = 0; i < count; i++) length = (length << 8) | (this.#bytes[this.#offset + i] ?? 0);
    this.#offset += count;
    const isMinimal = count === 1 ? length >= 0x80 : length >= 0x100;
    return isMinimal ? length : this.#fail();
  }

  #fail(): undefined {
    this.#failed = true;
    return undefined;
  }
}

/** How many elements stand in these bytes, whatever they are; a broken one counts, and ends it. */
export function countDerElements(bytes: Uint8Array): number {
  const reader = new DerReader(bytes);
  let count = 0;
  for (; !reader.atEnd && !reader.failed; count++) reader.skip();
  return count;
}

/** One element: tag, minimal length, the concatenated content. */
export function derElement(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = concatBytes(...content);
  return concatBytes(Uint8Array.of(tag, ...lengthBytes(body.length)), body);
}

/** Content of an INTEGER: minimal two's complement, big endian. */
export function derInteger(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.unshift(Number(rest & 0xffn));
    rest >>= 8n;
  } while (!(rest === 0n && (bytes[0] ?? 0) < 0x80) && !(rest === -1n && (bytes[0] ?? 0) >= 0x80));
  return Uint8Array.from(bytes);
}

/** Value of an INTEGER's content; undefined when it is empty or not minimal. */
export function parseDerInteger(content: Uint8Array): bigint | undefined {
  const [first, second] = content;
  if (first === undefined) return undefined;
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) return undefined;
  let value = first >= 0x80 ? -1n : 0n;
  for (const byte of content) value = (value << 8n) | BigInt(byte);
  return value;
}

/** Two length bytes reach 65,535, the size of the largest certificate. */
const LENGTH_BYTES_MAX = 2;

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  if (length < 0x100) return [0x81, length];
  if (length < 0x10000) return [0x82, length >> 8, length & 0xff];
  throw new Fault("der-length", "a DER element is longer than any in this protocol", { bytes: length });
}
