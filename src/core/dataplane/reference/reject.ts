import { concatBytes, readUint32, writeUint16, writeUint32 } from "../../base/bytes.ts";
import { IpProtocol } from "../../netip/ip-protocol.ts";
import type { InnerPacket } from "../../wire/inner-packet.ts";
import { TcpFlag } from "../../wire/tcp-flags.ts";
import { checksum, sum } from "./checksum.ts";

// What answers a packet that is rejected instead of dropped (protocol 9.5): a TCP reset, or an ICMP error that says "administratively prohibited".

/**
 * What makes the answer to a packet that is rejected. Undefined for one that gets none: an ICMP error, a reset (two hosts that reject would go on
 * answering each other), a TCP segment without its whole header, a part of a divided packet but for the first one of IPv4.
 */
export function rejectionOf(bytes: Uint8Array, packet: InnerPacket): (() => Uint8Array) | undefined {
  if (packet.part && (packet.part.from !== 0 || packet.family === 6)) return undefined;
  if (packet.protocol !== IpProtocol.tcp) return isError(packet) ? undefined : () => prohibited(bytes, packet);
  const segment = bytes.subarray(packet.upperOffset, packet.length);
  const headerBytes = ((segment[12] ?? 0) >> 4) * 4;
  const isWhole = headerBytes >= TCP_BYTES && headerBytes <= segment.length;
  if (!isWhole || packet.tcpFlags & TcpFlag.rst) return undefined;
  return () => reset(bytes, segment, segment.length - headerBytes);
}

/**
 * What makes the answer to a packet that is too long: the longest that would not be. Undefined for one that gets none: an ICMP error, a part behind the
 * first.
 */
export function tooBigOf(bytes: Uint8Array, packet: InnerPacket, mtu: number): (() => Uint8Array) | undefined {
  if ((packet.part && packet.part.from !== 0) || isError(packet)) return undefined;
  // RFC 1191 4, RFC 4443 3.2.
  return () => icmp(bytes, packet, packet.family === 4 ? [3, 4, 0, 0, ...word(mtu)] : [2, 0, 0, 0, ...word(mtu)]);
}

const TCP_BYTES = 20;
const ICMP_BYTES = 8;
const HOPS = 64;
/** Of the packet an ICMP error holds its IP header and 8 bytes; an ICMPv6 error so many bytes. */
const QUOTED_BYTES_V4 = 8;
const QUOTED_BYTES_V6 = 1000;
/** ICMP errors, and what is treated like them: source quench, redirect. */
const ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);
const ERRORS_V6: ReadonlySet<number> = new Set([1, 2, 3, 4]);

function isError({ family, protocol, icmpIn }: InnerPacket): boolean {
  if (family === 4) return protocol === IpProtocol.icmp && ERRORS.has(icmpIn);
  return protocol === IpProtocol.icmpv6 && ERRORS_V6.has(icmpIn);
}

// 0: source port   2: destination port   4: sequence   8: acknowledgment   12: data offset   13: flags   14: window   16: checksum   18: urgent
function reset(bytes: Uint8Array, segment: Uint8Array, dataBytes: number): Uint8Array {
  const flags = segment[13] ?? 0;
  const answer = new Uint8Array(TCP_BYTES);
  answer.set(segment.subarray(2, 4), 0);
  answer.set(segment.subarray(0, 2), 2);
  answer[12] = (TCP_BYTES / 4) << 4;
  if (flags & TcpFlag.ack) {
    answer.set(segment.subarray(8, 12), 4);
    answer[13] = TcpFlag.rst;
  } else {
    // SYN and FIN take a sequence number each.
    const used = dataBytes + (flags & TcpFlag.syn ? 1 : 0) + (flags & TcpFlag.fin ? 1 : 0);
    writeUint32(answer, 8, (readUint32(segment, 4) + used) >>> 0);
    answer[13] = TcpFlag.rst | TcpFlag.ack;
  }
  return answered(bytes, IpProtocol.tcp, 16, answer);
}

/** Destination unreachable, administratively prohibited (RFC 1812 5.2.7.1, RFC 4443 3.1). */
function prohibited(bytes: Uint8Array, packet: InnerPacket): Uint8Array {
  return icmp(bytes, packet, packet.family === 4 ? [3, 13] : [1, 1]);
}

function word(value: number): readonly number[] {
  return [0, 0, value >>> 8, value & 0xff];
}

// 0: type   1: code   2: checksum   4..7: depends   8...: the packet
function icmp(bytes: Uint8Array, { family, length }: InnerPacket, begin: readonly number[]): Uint8Array {
  const quoted = family === 4 ? ((bytes[0] ?? 0) & 15) * 4 + QUOTED_BYTES_V4 : QUOTED_BYTES_V6;
  const head = new Uint8Array(ICMP_BYTES);
  head.set(begin);
  const message = concatBytes(head, bytes.subarray(0, Math.min(quoted, length)));
  return answered(bytes, family === 4 ? IpProtocol.icmp : IpProtocol.icmpv6, 2, message);
}

/** Back to where the packet came from, from where it was to go, with checksums. */
function answered(bytes: Uint8Array, protocol: number, checksumAt: number, message: Uint8Array): Uint8Array {
  const isIpv4 = (bytes[0] ?? 0) >> 4 === 4;
  const header = new Uint8Array(isIpv4 ? 20 : 40);
  if (isIpv4) {
    header[0] = 0x45;
    writeUint16(header, 2, header.length + message.length);
    header[8] = HOPS;
    header[9] = protocol;
    header.set(bytes.subarray(16, 20), 12);
    header.set(bytes.subarray(12, 16), 16);
    writeUint16(header, 10, checksum(sum(header)));
  } else {
    header[0] = 0x60;
    writeUint16(header, 4, message.length);
    header[6] = protocol;
    header[7] = HOPS;
    header.set(bytes.subarray(24, 40), 8);
    header.set(bytes.subarray(8, 24), 24);
  }
  const pseudo = protocol === IpProtocol.icmp ? 0 : sum(header.subarray(isIpv4 ? 12 : 8)) + protocol + message.length;
  writeUint16(message, checksumAt, checksum(pseudo + sum(message)));
  return concatBytes(header, message);
}
