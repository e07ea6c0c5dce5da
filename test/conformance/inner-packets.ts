import { concatBytes, writeUint16, writeUint32 } from "../../src/core/base/bytes.ts";
import { addressBytes, familyOf, type IpAddress } from "../../src/core/netip/address.ts";

/** Inner IP packets for tests, complete but for the checksums of TCP and UDP, which no data plane looks at. */
export interface PacketShape {
  readonly from: string;
  readonly to: string;
  readonly protocol: number;
  /** Upper layer: header and data. */
  readonly upper: Uint8Array;
}

export function ipPacket({ from, to, protocol, upper }: PacketShape): Uint8Array {
  const source = addressBytes(from as IpAddress);
  const destination = addressBytes(to as IpAddress);
  const isIpv4 = familyOf(from as IpAddress) === 4;
  const header = new Uint8Array(isIpv4 ? 20 : 40);
  if (isIpv4) {
    header[0] = 0x45;
    writeUint16(header, 2, 20 + upper.length);
    header[8] = 64;
    header[9] = protocol;
    header.set(source, 12);
    header.set(destination, 16);
    writeUint16(header, 10, checksum(header));
  } else {
    header[0] = 0x60;
    writeUint16(header, 4, upper.length);
    header[6] = protocol;
    header[7] = 64;
    header.set(source, 8);
    header.set(destination, 24);
  }
  return concatBytes(header, upper);
}

export interface Ports {
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
  readonly data?: Uint8Array;
}

export function udpPacket({ from, to, fromPort, toPort, data = new Uint8Array() }: Ports): Uint8Array {
  const header = new Uint8Array(8);
  writeUint16(header, 0, fromPort);
  writeUint16(header, 2, toPort);
  writeUint16(header, 4, 8 + data.length);
  return ipPacket({ from, to, protocol: 17, upper: concatBytes(header, data) });
}

export interface Segment extends Ports {
  /** FIN 1, SYN 2, RST 4, ACK 16. */
  readonly flags?: number;
  readonly sequence?: number;
  readonly acknowledgment?: number;
  /** Of a multiple of four bytes. */
  readonly options?: Uint8Array;
}

export function tcpPacket(segment: Segment): Uint8Array {
  const { from, to, data = new Uint8Array(), flags = 0, sequence = 0, acknowledgment = 0 } = segment;
  const { options = new Uint8Array() } = segment;
  const header = new Uint8Array(20);
  writeUint16(header, 0, segment.fromPort);
  writeUint16(header, 2, segment.toPort);
  writeUint32(header, 4, sequence);
  writeUint32(header, 8, acknowledgment);
  header[12] = (5 + options.length / 4) << 4;
  header[13] = flags;
  return ipPacket({ from, to, protocol: 6, upper: concatBytes(header, options, data) });
}

/** An ICMP or ICMPv6 message; `type` as in the family of the addresses. */
export function icmpPacket(shape: { from: string; to: string; type: number; identifier: number }): Uint8Array {
  const upper = new Uint8Array(8);
  upper[0] = shape.type;
  writeUint16(upper, 4, shape.identifier);
  const isIpv4 = familyOf(shape.from as IpAddress) === 4;
  const [source, destination] = [shape.from, shape.to].map((address) => addressBytes(address as IpAddress));
  const pseudo = isIpv4 ? [] : [source!, destination!, Uint8Array.of(0, 0, 0, upper.length, 0, 0, 0, 58)];
  writeUint16(upper, 2, checksum(concatBytes(...pseudo, upper)));
  return ipPacket({ from: shape.from, to: shape.to, protocol: isIpv4 ? 1 : 58, upper });
}

/** RFC 1071, pair by pair: of bytes whose checksum field is zero what belongs there, and zero of bytes in which it is right. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** An ICMP error that quotes so much of a packet. */
export function icmpError(shape: {
  from: string;
  to: string;
  type: number;
  about: Uint8Array;
  bytes?: number;
}): Uint8Array {
  const { from, to, type, about, bytes = 28 } = shape;
  const upper = concatBytes(Uint8Array.of(type, 1, 0, 0, 0, 0, 0, 0), about.subarray(0, bytes));
  return ipPacket({ from, to, protocol: familyOf(from as IpAddress) === 4 ? 1 : 58, upper });
}

export function echoRequest(from: string, to: string, identifier: number): Uint8Array {
  return icmpPacket({ from, to, type: familyOf(from as IpAddress) === 4 ? 8 : 128, identifier });
}

export interface PartShape {
  readonly id: number;
  /** Where its bytes begin and end among those behind the headers. */
  readonly from: number;
  readonly to: number;
  /** Whether more come behind it; unless said, when it does not hold the end. */
  readonly more?: boolean;
}

/** One part of a packet without options or extension headers. */
export function partOf(packet: Uint8Array, { id, from, to, more }: PartShape): Uint8Array {
  const isIpv4 = packet[0] === 0x45;
  const headerBytes = isIpv4 ? 20 : 40;
  const header = new Uint8Array(packet.subarray(0, headerBytes));
  const bytes = packet.subarray(headerBytes + from, headerBytes + to);
  const isFollowed = more ?? headerBytes + to < packet.length;
  if (isIpv4) {
    writeUint16(header, 2, 20 + bytes.length);
    writeUint16(header, 4, id);
    writeUint16(header, 6, (isFollowed ? 0x2000 : 0) | (from >> 3));
    return concatBytes(header, bytes);
  }
  const fragment = new Uint8Array(8);
  fragment[0] = header[6] ?? 0;
  writeUint16(fragment, 2, from | (isFollowed ? 1 : 0));
  writeUint32(fragment, 4, id);
  header[6] = 44;
  writeUint16(header, 4, fragment.length + bytes.length);
  return concatBytes(header, fragment, bytes);
}

/** All parts of a packet, in order, each of so many bytes. */
export function partsOf(packet: Uint8Array, bytes: number, id: number): Uint8Array[] {
  const length = packet.length - (packet[0] === 0x45 ? 20 : 40);
  const count = Math.ceil(length / bytes);
  return Array.from({ length: count }, (_, n) =>
    partOf(packet, { id, from: n * bytes, to: Math.min(length, (n + 1) * bytes) }),
  );
}

/** RFC 1071, RFC 8200 8.1: everything that a transport checksum covers adds up to ones. */
export function hasRightChecksum(packet: Uint8Array): boolean {
  const isIpv4 = packet[0] === 0x45;
  const upper = packet.subarray(isIpv4 ? 20 : 40);
  const protocol = packet[isIpv4 ? 9 : 6]!;
  const addresses = protocol === 1 ? new Uint8Array() : packet.subarray(isIpv4 ? 12 : 8, isIpv4 ? 20 : 40);
  const pseudo = protocol === 1 ? [] : [upper.length >> 8, upper.length & 255, 0, protocol];
  return checksum(concatBytes(addresses, Uint8Array.from(pseudo), upper)) === 0;
}
