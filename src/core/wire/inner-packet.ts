import { readUint16, readUint32 } from "../base/bytes.ts";
import { fail, ok, type Result } from "../base/result.ts";
import type { DropReason } from "../drop-reason.ts";
import { addressFromBytes, familyOf, type IpAddress, type IpFamily } from "../netip/address.ts";

/** What the rules see of an IP packet (native/contract/SEMANTICS.md, section 8). "Local" is this host, whatever the direction. */
export interface InnerPacket {
  readonly family: IpFamily;
  readonly localAddress: IpAddress;
  readonly remoteAddress: IpAddress;
  /** IP protocol number; for IPv6 the one after the extension headers. */
  readonly protocol: number;
  /** 0 when the protocol has no ports. ICMP echo: local 0, remote the identifier, in both directions. */
  readonly localPort: number;
  readonly remotePort: number;
  /** Of ICMP the type that its flow lets in: who asks may be answered, not asked. 0 of every other protocol. */
  readonly icmpIn: number;
  /** Of TCP its flags; 0 of a segment too short to have any, and of every other protocol. */
  readonly tcpFlags: number;
  /** Where the upper-layer header starts. */
  readonly upperOffset: number;
  /** Bytes that belong to the packet; what follows them is cut off. */
  readonly length: number;
  /** Set when this is not the whole packet. */
  readonly part: Part | undefined;
  /** A part behind the first of which nobody knows the first, and so not the ports. */
  readonly isRest: boolean;
}

/** One part of a packet that was divided: which packet, and which of its bytes behind the headers that every part repeats. */
export interface Part {
  /** What all parts of the packet share. */
  readonly id: number;
  /** What its header calls the bytes of the whole packet: a protocol or, in IPv6, perhaps one more extension header. */
  readonly protocol: number;
  readonly from: number;
  readonly to: number;
  readonly isLast: boolean;
}

/** Reads an inner packet: a whole one, or one part of it. */
export function parseInnerPacket(
  bytes: Uint8Array,
  direction: "inbound" | "outbound",
): Result<InnerPacket, Unreadable> {
  const version = (bytes[0] ?? 0) >> 4;
  const upper = version === 4 ? readIpv4(bytes) : version === 6 ? readIpv6(bytes) : fail("bad-packet" as const);
  if (!upper.ok) return upper;
  const { family, protocol, source, destination, part, start, end } = upper.value;
  const isRest = part !== undefined && part.from !== 0;
  // Whoever puts the packet together must read the flags that were judged here (RFC 1858).
  if (part && !isRest && protocol === TCP && !holdsTcpHeader(bytes, upper.value)) return fail("bad-fragment");
  const ports = isRest ? NO_PORTS : readPorts(bytes, upper.value);
  if (!ports) return fail("bad-packet");

  const isInbound = direction === "inbound";
  const localAddress = addressFromBytes(isInbound ? destination : source);
  const remoteAddress = addressFromBytes(isInbound ? source : destination);
  // An IPv4-mapped address in an IPv6 header would pass for the IPv4 address it maps (reliability R32).
  if (!localAddress || !remoteAddress || familyOf(localAddress) !== family || familyOf(remoteAddress) !== family) {
    return fail("bad-packet");
  }
  return ok({
    family,
    localAddress,
    remoteAddress,
    protocol,
    ...("source" in ports
      ? {
          localPort: isInbound ? ports.destination : ports.source,
          remotePort: isInbound ? ports.source : ports.destination,
          icmpIn: 0,
        }
      : {
          localPort: 0,
          remotePort: ports.echoIdentifier,
          icmpIn: isInbound ? ports.icmpType : counterpartOf(family, ports.icmpType),
        }),
    tcpFlags:
      protocol === TCP && !isRest && end - start > TCP_FLAGS_OFFSET ? (bytes[start + TCP_FLAGS_OFFSET] ?? 0) : 0,
    upperOffset: start,
    length: end,
    part,
    isRest,
  });
}

type Unreadable = Extract<DropReason, "bad-packet" | "bad-fragment">;

const TCP = 6;
const UDP = 17;
const ICMP = 1;
const ICMPV6 = 58;
const TCP_FLAGS_OFFSET = 13;

const IPV4_HEADER_BYTES_MIN = 20;
const IPV6_HEADER_BYTES = 40;
/** What a total length, and an offset with what follows it, can say. */
const PACKET_BYTES_MAX = 65_535;
const TCP_HEADER_BYTES_MIN = 20;
/** More fragments, and the fragment offset in units of eight bytes. */
const MORE_FRAGMENTS = 0x2000;
const OFFSET_UNITS = 0x1fff;
/** In the fragment header of IPv6 the offset lies in front, so that it is one in bytes. */
const MORE_FRAGMENTS_V6 = 1;
const OFFSET_BYTES_V6 = 0xfff8;
/** Question and answer: echo, timestamp, information, address mask. */
const QUESTIONS: readonly (readonly [number, number])[] = [
  [8, 0],
  [13, 14],
  [15, 16],
  [17, 18],
];
const QUESTIONS_V6: readonly (readonly [number, number])[] = [[128, 129]];
/** Stands for the type of an ICMP packet too short to have one. Reserved, so nobody else's. */
const NO_ICMP_TYPE = 255;
/** As many as the reference walks. */
const EXTENSION_HEADERS_MAX = 8;

interface UpperLayer {
  readonly family: IpFamily;
  readonly protocol: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly part: Part | undefined;
  /** Where the upper-layer header starts, and where the packet ends. */
  readonly start: number;
  readonly end: number;
}

// 0: version|IHL   2..3: total length   4..5: id   6..7: flags|fragment offset   9: protocol   12..15: source   16..19: destination
function readIpv4(bytes: Uint8Array): Result<UpperLayer, Unreadable> {
  if (bytes.length < IPV4_HEADER_BYTES_MIN) return fail("bad-packet");
  const start = ((bytes[0] ?? 0) & 15) * 4;
  const end = readUint16(bytes, 2);
  if (start < IPV4_HEADER_BYTES_MIN || end < start || end > bytes.length) return fail("bad-packet");
  const protocol = bytes[9] ?? 0;
  const flags = readUint16(bytes, 6);
  const from = (flags & OFFSET_UNITS) * 8;
  const part = { id: readUint16(bytes, 4), protocol, from, to: from + end - start, isLast: !(flags & MORE_FRAGMENTS) };
  const isWhole = isWholePacket(part);
  if (!isWhole && !isPlausible(part, start)) return fail("bad-fragment");
  return ok({
    family: 4,
    protocol,
    source: bytes.subarray(12, 16),
    destination: bytes.subarray(16, 20),
    part: isWhole ? undefined : part,
    start,
    end,
  });
}

// 4..5: payload length   6: next header   8..23: source   24..39: destination
function readIpv6(bytes: Uint8Array): Result<UpperLayer, Unreadable> {
  if (bytes.length < IPV6_HEADER_BYTES) return fail("bad-packet");
  const end = IPV6_HEADER_BYTES + readUint16(bytes, 4);
  if (end > bytes.length) return fail("bad-packet");
  let start = IPV6_HEADER_BYTES;
  let protocol = bytes[6] ?? 0;
  let part: Part | undefined;
  let wasDivisible = false;
  for (let walked = 0; isExtension(protocol); walked++) {
    // Two bytes say what follows and how long this header is; a fragment header is always eight.
    if (walked === EXTENSION_HEADERS_MAX || start + 2 > end) return fail("bad-packet");
    const length = extensionLength(protocol, bytes[start + 1] ?? 0);
    if (start + length > end) return fail("bad-packet");
    const following = bytes[start] ?? 0;
    if (protocol === FRAGMENT) {
      // Nobody divides a part again.
      if (wasDivisible) return fail("bad-packet");
      wasDivisible = true;
      const read = readFragmentHeader(bytes, following, start, end);
      if (!isWholePacket(read)) {
        if (!isPlausible(read, start - IPV6_HEADER_BYTES)) return fail("bad-fragment");
        part = read;
      }
    }
    protocol = following;
    start += length;
    // What follows in a part behind the first is no header.
    if (part && part.from !== 0) break;
  }
  return ok({
    family: 6,
    protocol,
    source: bytes.subarray(8, 24),
    destination: bytes.subarray(24, 40),
    part,
    start,
    end,
  });
}

// 0: next header   2..3: fragment offset|flags   4..7: id
function readFragmentHeader(bytes: Uint8Array, protocol: number, start: number, end: number): Part {
  const flags = readUint16(bytes, start + 2);
  const from = flags & OFFSET_BYTES_V6;
  const to = from + end - (start + FRAGMENT_HEADER_BYTES);
  return { id: readUint32(bytes, start + 4), protocol, from, to, isLast: !(flags & MORE_FRAGMENTS_V6) };
}

/** Also one that says that it might not have been (RFC 6946). */
function isWholePacket({ from, isLast }: Part): boolean {
  return from === 0 && isLast;
}

/** Whether an honest host divides so, with so many bytes of headers before what was divided. */
function isPlausible({ from, to, isLast }: Part, bytesBefore: number): boolean {
  return to > from && (isLast || (to - from) % 8 === 0) && bytesBefore + to <= PACKET_BYTES_MAX;
}

function holdsTcpHeader(bytes: Uint8Array, { start, end }: UpperLayer): boolean {
  const headerBytes = end - start > 12 ? ((bytes[start + 12] ?? 0) >> 4) * 4 : Number.POSITIVE_INFINITY;
  return end - start >= Math.max(headerBytes, TCP_HEADER_BYTES_MIN);
}

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION_OPTIONS = 60;
const FRAGMENT_HEADER_BYTES = 8;

function isExtension(protocol: number): boolean {
  return (
    protocol === HOP_BY_HOP ||
    protocol === ROUTING ||
    protocol === FRAGMENT ||
    protocol === AUTHENTICATION ||
    protocol === DESTINATION_OPTIONS
  );
}

function extensionLength(protocol: number, lengthField: number): number {
  if (protocol === FRAGMENT) return FRAGMENT_HEADER_BYTES;
  return protocol === AUTHENTICATION ? (lengthField + 2) * 4 : (lengthField + 1) * 8;
}

/** What tells flows between the same two addresses apart. */
type Ports =
  | { readonly source: number; readonly destination: number }
  | {
      readonly icmpType: number;
      /** Takes the place of the remote port, in both directions. 0 of what is no echo. */
      readonly echoIdentifier: number;
    };

const NO_PORTS: Ports = { source: 0, destination: 0 };

/** Undefined when the bytes that must be there are not. */
function readPorts(bytes: Uint8Array, { family, protocol, start, end }: UpperLayer): Ports | undefined {
  if (protocol === TCP || protocol === UDP) {
    return end - start < 4
      ? undefined
      : { source: readUint16(bytes, start), destination: readUint16(bytes, start + 2) };
  }
  if (protocol !== (family === 4 ? ICMP : ICMPV6)) return NO_PORTS;
  const icmpType = end > start ? (bytes[start] ?? 0) : NO_ICMP_TYPE;
  const isEcho = family === 4 ? icmpType === 0 || icmpType === 8 : icmpType === 128 || icmpType === 129;
  if (!isEcho) return { icmpType, echoIdentifier: 0 };
  return end - start < 6 ? undefined : { icmpType, echoIdentifier: readUint16(bytes, start + 4) };
}

/** The ICMP type that comes back for this one: questions and answers lead to each other, everything else to itself. */
export function counterpartOf(family: IpFamily, icmpType: number): number {
  for (const [question, answer] of family === 4 ? QUESTIONS : QUESTIONS_V6) {
    if (icmpType === question) return answer;
    if (icmpType === answer) return question;
  }
  return icmpType;
}
