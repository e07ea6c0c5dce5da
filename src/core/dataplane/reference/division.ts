import { concatBytes, readUint16, writeUint16, writeUint32 } from "../../base/bytes.ts";
import type { InnerPacket } from "../../wire/inner-packet.ts";
import { checksum, sum } from "./checksum.ts";

// An inner packet that is longer than its way carries, divided as the host itself would have done (RFC 791, RFC 8200 4.5).

/** What becomes of a packet that is too long: parts, or word to its sender of how long it may be. */
export type Fitted =
  | { readonly parts: readonly Uint8Array[] }
  | {
      /** What the sender is told. */
      readonly mtu: number;
    };

/** Fits a packet that is longer than `mtu`. `id` is for one of IPv6, which has none of its own. */
export function fitTo(bytes: Uint8Array, packet: InnerPacket, mtu: number, id: () => number): Fitted {
  if (packet.family === 4) return isWholeForGood(bytes) ? { mtu } : { parts: divideIpv4(bytes, mtu) };
  // No link of IPv6 carries less, and so no host makes its packets shorter.
  if (packet.length > MTU_V6_MIN || !isDivisible(bytes, packet)) return { mtu: Math.max(mtu, MTU_V6_MIN) };
  return { parts: divideIpv6(bytes, packet, mtu, id) };
}

const MTU_V6_MIN = 1280;
const DONT_FRAGMENT = 0x40;
const MORE_FRAGMENTS = 0x2000;
const OFFSET_UNITS = 0x1fff;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const FRAGMENT = 44;
const FRAGMENT_BYTES = 8;
const MORE_FRAGMENTS_V6 = 1;
const OFFSET_BYTES_V6 = 0xfff8;
/** Of an option: it belongs into every part. */
const COPIED = 0x80;
const END_OF_OPTIONS = 0;
const NO_OPERATION = 1;

function isWholeForGood(bytes: Uint8Array): boolean {
  return ((bytes[6] ?? 0) & DONT_FRAGMENT) !== 0;
}

function divideIpv4(bytes: Uint8Array, mtu: number): readonly Uint8Array[] {
  const headerBytes = ((bytes[0] ?? 0) & 15) * 4;
  const header = bytes.subarray(0, headerBytes);
  const following = withoutLoneOptions(header);
  const flags = readUint16(bytes, 6);
  return pieces(bytes.subarray(headerBytes), mtu - headerBytes).map(({ from, data, isLast }) => {
    const part = concatBytes(from === 0 ? header : following, data);
    writeUint16(part, 2, part.length);
    const more = isLast ? flags & MORE_FRAGMENTS : MORE_FRAGMENTS;
    writeUint16(part, 6, more | ((flags & OFFSET_UNITS) + from / 8));
    writeUint16(part, 10, 0);
    writeUint16(part, 10, checksum(sum(part.subarray(0, headerBytes))));
    return part;
  });
}

/** The header of the parts behind the first: of the options that are not copied, nothing is left but their room. */
function withoutLoneOptions(header: Uint8Array): Uint8Array {
  const copy = header.slice();
  for (let at = IPV4_BYTES; at < copy.length; ) {
    const kind = copy[at] ?? END_OF_OPTIONS;
    if (kind === END_OF_OPTIONS) break;
    const length = kind === NO_OPERATION ? 1 : (copy[at + 1] ?? 0);
    if (kind !== NO_OPERATION && length < 2) break;
    if (!(kind & COPIED)) copy.fill(NO_OPERATION, at, at + length);
    at += length;
  }
  return copy;
}

/** One with nothing in front of what is divided but, of a part, that it is one. */
function isDivisible(bytes: Uint8Array, { part, upperOffset }: InnerPacket): boolean {
  return part ? bytes[6] === FRAGMENT : upperOffset === IPV6_BYTES;
}

function divideIpv6(
  bytes: Uint8Array,
  { part, length }: InnerPacket,
  mtu: number,
  id: () => number,
): readonly Uint8Array[] {
  const fragment = new Uint8Array(FRAGMENT_BYTES);
  let isEnd = true;
  let offset = 0;
  if (part) {
    fragment.set(bytes.subarray(IPV6_BYTES, IPV6_BYTES + FRAGMENT_BYTES));
    isEnd = part.isLast;
    offset = readUint16(fragment, 2) & OFFSET_BYTES_V6;
  } else {
    fragment[0] = bytes[6] ?? 0;
    writeUint32(fragment, 4, id());
  }
  const payload = bytes.subarray(IPV6_BYTES + (part ? FRAGMENT_BYTES : 0), length);
  return pieces(payload, mtu - IPV6_BYTES - FRAGMENT_BYTES).map(({ from, data, isLast }) => {
    const piece = concatBytes(bytes.subarray(0, IPV6_BYTES), fragment, data);
    writeUint16(piece, 4, piece.length - IPV6_BYTES);
    piece[6] = FRAGMENT;
    writeUint16(piece, IPV6_BYTES + 2, (offset + from) | (isLast && isEnd ? 0 : MORE_FRAGMENTS_V6));
    return piece;
  });
}

interface Piece {
  readonly from: number;
  readonly data: Uint8Array;
  readonly isLast: boolean;
}

/** Of at most so many bytes, which is at least 8, and all but the last of a multiple of 8. */
function pieces(payload: Uint8Array, room: number): readonly Piece[] {
  const size = room - (room % 8);
  const result: Piece[] = [];
  for (let from = 0; from < payload.length; from += size)
    result.push({ from, data: payload.subarray(from, from + size), isLast: from + size >= payload.length });
  return result;
}
