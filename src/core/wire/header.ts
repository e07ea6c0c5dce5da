import { readUint16, readUint32, readUint64, writeUint16, writeUint32, writeUint64 } from "../base/bytes.ts";
import { fail, ok, type Result } from "../base/result.ts";
import { DropReason } from "../drop-reason.ts";

// The header of every packet (protocol 1.1), big endian:
//
//   0         1        2..3      4..7           8..15
//   ver|type  subtype  reserved  remote index   message counter

export const HEADER_BYTES = 16;
/** Length of the AEAD tag at the end of every protected packet. */
export const TAG_BYTES = 16;
/** What the reference reads into at most: longer datagrams do not exist in this protocol (protocol 1). */
export const DATAGRAM_BYTES_MAX = 9001;

/** Protocol 1.2. */
export const PacketType = {
  handshake: 0,
  message: 1,
  recvError: 2,
  lighthouse: 3,
  test: 4,
  closeTunnel: 5,
  control: 6,
} as const;

export type PacketType = (typeof PacketType)[keyof typeof PacketType];

/** Subtypes of `message`: an inner packet, or a whole packet of others (protocol 7.4). */
export const MessageSubtype = { none: 0, relay: 1 } as const;

/** Subtypes of `test`. All but the first two are ours: other implementations skip them. */
export const TestSubtype = {
  request: 0,
  reply: 1,
  pathRequest: 2,
  pathReply: 3,
  bindingRequest: 4,
  bindingReply: 5,
} as const;

/** What a path request begins with, and all that its reply is. */
export const PATH_TOKEN_BYTES = 16;

export interface Header {
  readonly type: PacketType;
  readonly subtype: number;
  /** Sent as 0, not checked, but authenticated as received. */
  readonly reserved: number;
  /** The receiver's index of the session; 0 in handshake message 1. */
  readonly remoteIndex: number;
  readonly counter: bigint;
}

/** Reads the header of a datagram: length, version and the pair (type, subtype) are checked, in this order. */
export function decodeHeader(bytes: Uint8Array): Result<Header, DropReason> {
  if (bytes.length < HEADER_BYTES)
    return fail(bytes.length <= PUNCH_BYTES_MAX ? DropReason.punch : DropReason.shortHeader);
  const first = bytes[0] ?? 0;
  if (first >> 4 !== VERSION) return fail(DropReason.badVersion);
  const type = first & 15;
  const subtype = bytes[1] ?? 0;
  if (!isKnown(type, subtype)) return fail(DropReason.unknownType);
  return ok({
    type,
    subtype,
    reserved: readUint16(bytes, 2),
    remoteIndex: readUint32(bytes, 4),
    counter: readUint64(bytes, 8),
  });
}

/** The 16 bytes of a header. */
export function encodeHeader(header: Omit<Header, "reserved"> & { readonly reserved?: number }): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes[0] = (VERSION << 4) | header.type;
  bytes[1] = header.subtype;
  writeUint16(bytes, 2, header.reserved ?? 0);
  writeUint32(bytes, 4, header.remoteIndex);
  writeUint64(bytes, 8, header.counter);
  return bytes;
}

/** The whole datagram that says "I have no session with this index" (protocol 8.4). Unauthenticated by design. */
export function recvErrorFor(index: number): Uint8Array {
  return encodeHeader({ type: PacketType.recvError, subtype: 0, remoteIndex: index, counter: 0n });
}

const VERSION = 1;
/** Datagrams of 0 and 1 byte are hole punches (protocol 1.3). */
const PUNCH_BYTES_MAX = 1;

/** Highest subtype of each type, by its number. */
const HIGHEST_SUBTYPE = [0, MessageSubtype.relay, 0, 0, TestSubtype.bindingReply, 0, 0] as const;

function isKnown(type: number, subtype: number): type is PacketType {
  const highest = HIGHEST_SUBTYPE[type];
  return highest !== undefined && subtype <= highest;
}
