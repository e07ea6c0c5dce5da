import { enlarged, equalBytes, utf8Decode } from "../base/bytes.ts";

/**
 * Reads one protobuf message field by field, without allocating per field and without recursion (reliability R77):
 *
 *     while (reader.next()) {
 *       switch (reader.field) {
 *         case 1: name = reader.text(); break;
 *       }
 *     }
 *     if (reader.failed) ...
 *
 * A field that nobody reads is skipped. After the first mistake - cut off, wrong wire type for what is read, a varint of more than 64
 * bits, a number too large - `next` is false and `failed` true.
 */
export class ProtobufReader {
  readonly #bytes: Uint8Array;
  /** Where the message ends, or the embedded one that is read. */
  #end: number;
  #offset = 0;
  #field = 0;
  #wireType = 0;
  /** The last varint, in halves of 32 bits: most of them need no bigint. */
  #low = 0;
  #high = 0;
  #isRead = true;
  #failed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  /** Number of the current field. */
  get field(): number {
    return this.#field;
  }

  get failed(): boolean {
    return this.#failed;
  }

  /** Where in the message the next field begins, once the current one has been read. */
  get offset(): number {
    return this.#offset;
  }

  /** Goes on to the next field; false at the end and after a mistake. */
  next(): boolean {
    this.skip();
    if (this.#failed || this.#offset >= this.#end) return false;
    this.#varint();
    this.#field = this.#low >>> 3;
    this.#wireType = this.#low & 7;
    this.#isRead = false;
    // A key of 32 bits holds the highest field number there is.
    if (this.#high !== 0 || this.#field < 1 || this.#wireType === WireType.endGroup) this.#fail();
    return !this.#failed;
  }

  /** Passes over the value of the current field, if nobody has read it. */
  skip(): void {
    if (!this.#isRead) this.#skip(this.#wireType);
  }

  /** An unsigned 64-bit number. */
  uint64(): bigint {
    if (!this.#take(WireType.varint)) return 0n;
    this.#varint();
    return this.#high === 0 ? BigInt(this.#low) : (BigInt(this.#high) << 32n) | BigInt(this.#low);
  }

  /** A number in two's complement of 64 bits. */
  int64(): bigint {
    return BigInt.asIntN(64, this.uint64());
  }

  /** A number of at most 32 bits; a larger one is a mistake. */
  uint32(): number {
    if (this.#take(WireType.varint)) this.#varint();
    if (this.#high !== 0) this.#fail();
    return this.#failed ? 0 : this.#low;
  }

  bool(): boolean {
    return this.uint64() !== 0n;
  }

  /** Bytes or an embedded message: a view, not a copy. */
  bytes(): Uint8Array {
    return this.#take(WireType.bytes) ? this.#delimited() : EMPTY;
  }

  /** From now on the fields of the embedded message are read, until `next` is false. Returns what `leave` wants. */
  enter(): number {
    const outer = this.#end;
    const length = this.#take(WireType.bytes) ? this.#length() : 0;
    this.#end = this.#offset + length;
    return outer;
  }

  /** Goes on behind the embedded message. */
  leave(outer: number): void {
    this.#isRead = true;
    this.#offset = this.#failed ? outer : this.#end;
    this.#end = outer;
  }

  /** A string, which must be UTF-8. */
  text(): string {
    const text = utf8Decode(this.bytes());
    if (text === undefined) this.#fail();
    return text ?? "";
  }

  /** Adds the numbers of a repeated uint32, packed or one by one, to `list` until it has `limit`; the rest is only checked. */
  uint32s(list: number[], limit: number): void {
    if (this.#wireType === WireType.varint) {
      const value = this.uint32();
      if (!this.#failed && list.length < limit) list.push(value);
      return;
    }
    const packed = new ProtobufReader(this.bytes());
    while (!packed.#failed && packed.#offset < packed.#end) {
      packed.#varint();
      if (packed.#high !== 0) packed.#fail();
      if (!packed.#failed && list.length < limit) list.push(packed.#low);
    }
    if (packed.#failed) this.#fail();
  }

  #take(wireType: number): boolean {
    this.#isRead = true;
    if (this.#wireType !== wireType) this.#fail();
    return !this.#failed;
  }

  /** Reads into `#low` and `#high`; both are 0 after a mistake. */
  #varint(): void {
    let low = 0;
    let high = 0;
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      const byte = this.#offset < this.#end ? this.#bytes[this.#offset++] : undefined;
      if (byte === undefined || (i === VARINT_BYTES_MAX - 1 && byte > 1)) break;
      const bits = byte & 0x7f;
      if (i < 4) low |= bits << (7 * i);
      else if (i === 4) {
        low |= bits << 28;
        high = bits >> 4;
      } else high |= bits << (7 * i - 32);
      if (byte >= 0x80) continue;
      this.#low = low >>> 0;
      this.#high = high >>> 0;
      return;
    }
    this.#low = 0;
    this.#high = 0;
    this.#fail();
  }

  #delimited(): Uint8Array {
    const length = this.#length();
    if (length === 0) return EMPTY;
    const start = this.#offset;
    this.#offset += length;
    return this.#bytes.subarray(start, this.#offset);
  }

  /** How many bytes follow; 0 after a mistake. */
  #length(): number {
    this.#varint();
    if (this.#high !== 0 || this.#low > this.#end - this.#offset) this.#fail();
    return this.#failed ? 0 : this.#low;
  }

  /** Skips the value of a field; a group by counting its ends, not by recursion. */
  #skip(wireType: number): void {
    let openGroups = 0;
    let type = wireType;
    for (;;) {
      if (type === WireType.varint) this.#varint();
      else if (type === WireType.fixed64) this.#offset += 8;
      else if (type === WireType.bytes) this.#delimited();
      else if (type === WireType.fixed32) this.#offset += 4;
      else if (type === WireType.startGroup) openGroups++;
      else if (type === WireType.endGroup) openGroups--;
      else this.#fail();
      if (this.#offset > this.#end) this.#fail();
      if (this.#failed || openGroups === 0) break;
      this.#varint();
      type = this.#low & 7;
    }
    this.#isRead = true;
  }

  #fail(): void {
    this.#failed = true;
    this.#offset = this.#end;
  }
}

/**
 * Writes one protobuf message as the reference's encoders do: the caller goes through the fields in ascending order, and what is zero or
 * empty is left out.
 */
export class ProtobufWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor() {
    this.#bytes = spare ?? new Uint8Array(INITIAL_BYTES);
    spare = undefined;
  }

  /** A number of 64 bits; a negative one in two's complement. */
  varint(field: number, value: bigint | number): this {
    if (value >= 0 && value <= UINT32_MAX) return this.#small(field, Number(value));
    this.#key(field, WireType.varint);
    this.#varint(BigInt.asUintN(64, BigInt(value)));
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    return value.length === 0 ? this : this.message(field, value);
  }

  /** An embedded message or an element of a repeated field: written also when it is empty. */
  message(field: number, value: Uint8Array): this {
    this.#key(field, WireType.bytes);
    this.#uint32(value.length);
    return this.append(value);
  }

  /** Fields that are encoded already. */
  append(fields: Uint8Array): this {
    this.#reserve(fields.length);
    this.#bytes.set(fields, this.#length);
    this.#length += fields.length;
    return this;
  }

  /** An embedded message or an element, written in place: what follows until `close` is its content. Returns what `close` wants. */
  open(field: number): number {
    this.#key(field, WireType.bytes);
    this.#push(0);
    return this.#length;
  }

  close(start: number): this {
    const length = this.#length - start;
    if (length < 0x80) {
      this.#bytes[start - 1] = length;
      return this;
    }
    // Its length takes more than the one byte that was left for it.
    let more = 0;
    for (let rest = length >>> 7; rest > 0; rest >>>= 7) more++;
    this.#reserve(more);
    this.#bytes.copyWithin(start + more, start, start + length);
    this.#length = start - 1;
    this.#uint32(length);
    this.#length = start + more + length;
    return this;
  }

  /** A repeated uint32 in one element; nothing for an empty list. */
  packedUint32s(field: number, values: readonly number[]): this {
    if (values.length === 0) return this;
    const start = this.open(field);
    for (const value of values) this.#uint32(value);
    return this.close(start);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Whether the message is these bytes. The writer is of no use after it. */
  finishesAs(bytes: Uint8Array): boolean {
    const isSame = this.#length === bytes.length && equalBytes(this.#bytes.subarray(0, this.#length), bytes);
    this.#giveBack();
    return isSame;
  }

  /** The message. The writer is of no use after it. */
  finish(): Uint8Array {
    const whole = this.#bytes.slice(0, this.#length);
    this.#giveBack();
    return whole;
  }

  #giveBack(): void {
    if (this.#bytes.length <= SPARE_BYTES_MAX) spare = this.#bytes;
  }

  #small(field: number, value: number): this {
    if (value !== 0) {
      this.#key(field, WireType.varint);
      this.#uint32(value);
    }
    return this;
  }

  #key(field: number, wireType: number): void {
    this.#uint32(((field << 3) | wireType) >>> 0);
  }

  /** One that takes more than 32 bits: four digits of its lower half, one that lies in both, and the rest of the upper one. */
  #varint(value: bigint): void {
    let low = Number(value & 0xffff_ffffn);
    const high = Number(value >> 32n);
    for (let i = 0; i < 4; i++, low >>>= 7) this.#push((low & 0x7f) | 0x80);
    const rest = high >>> 3;
    this.#push(low | ((high & 7) << 4) | (rest > 0 ? 0x80 : 0));
    if (rest > 0) this.#uint32(rest);
  }

  #uint32(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) this.#push((rest & 0x7f) | 0x80);
    this.#push(rest);
  }

  #push(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  #reserve(count: number): void {
    if (this.#length + count > this.#bytes.length) this.#bytes = enlarged(this.#bytes, this.#length, count);
  }
}

/** Of the last writer that was done with it: the next one need not allocate. */
let spare: Uint8Array | undefined;

const WireType = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const;

const EMPTY: Uint8Array = new Uint8Array();
const VARINT_BYTES_MAX = 10;
/** The most that is written without BigInt, which is slower. */
const UINT32_MAX = 0xffff_ffff;
/** Most messages are shorter, a session with what is noted of it among them; a writer grows when one is not. */
const INITIAL_BYTES = 1024;
const SPARE_BYTES_MAX = 4096;
