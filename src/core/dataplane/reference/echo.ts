import { readUint16, writeUint16 } from "../../base/bytes.ts";
import { IpProtocol } from "../../netip/ip-protocol.ts";
import { checksum, isComplete, sum } from "./checksum.ts";

// What a host without a TUN device answers itself (protocol 9.6).
//
//   IPv4 (20 bytes, no options)             IPv6 (40 bytes, no extension headers)
//   0      6..7        9    10..11 12  16   6            8       24
//   ver    frag offset prot check  src dst  next header  source  destination
//
//   ICMP:  0 type  1 code  2..3 checksum  4..5 identifier ...

/**
 * The reply to an ICMP or ICMPv6 echo request: its own bytes with the addresses exchanged, the type changed and the checksums computed
 * anew. Undefined for everything else, for requests with options, extension headers or in fragments, and for those with a wrong checksum, which
 * the reply's would repair. The packet has been
 * parsed: it is complete and holds nothing behind its end.
 */
export function echoReply(request: Uint8Array): Uint8Array | undefined {
  return (request[0] ?? 0) >> 4 === 4 ? replyOverIpv4(request) : replyOverIpv6(request);
}

const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const ECHO_REQUEST = 8;
const ECHO_REPLY = 0;
const ECHO_REQUEST_6 = 128;
const ECHO_REPLY_6 = 129;
/** More fragments, and the fragment offset. */
const FRAGMENT_MASK = 0x3fff;

function replyOverIpv4(request: Uint8Array): Uint8Array | undefined {
  const plain = request[0] === 0x45 && (readUint16(request, 6) & FRAGMENT_MASK) === 0;
  if (!plain || request[9] !== IpProtocol.icmp || request[IPV4_BYTES] !== ECHO_REQUEST) return undefined;
  const isRight = isComplete(sum(request.subarray(0, IPV4_BYTES))) && isComplete(sum(request.subarray(IPV4_BYTES)));
  if (!isRight) return undefined;
  const reply = new Uint8Array(request);
  reply.set(request.subarray(16, 20), 12);
  reply.set(request.subarray(12, 16), 16);
  writeUint16(reply, 10, 0);
  writeUint16(reply, 10, checksum(sum(reply.subarray(0, IPV4_BYTES))));
  reply[IPV4_BYTES] = ECHO_REPLY;
  writeUint16(reply, IPV4_BYTES + 2, 0);
  writeUint16(reply, IPV4_BYTES + 2, checksum(sum(reply.subarray(IPV4_BYTES))));
  return reply;
}

function replyOverIpv6(request: Uint8Array): Uint8Array | undefined {
  if (request[6] !== IpProtocol.icmpv6 || request[IPV6_BYTES] !== ECHO_REQUEST_6) return undefined;
  // Pseudo-header of RFC 8200 8.1: both addresses, length, next header. Addresses that change places change no sum.
  const pseudo = sum(request.subarray(8, IPV6_BYTES)) + (request.length - IPV6_BYTES) + IpProtocol.icmpv6;
  if (!isComplete(pseudo + sum(request.subarray(IPV6_BYTES)))) return undefined;
  const reply = new Uint8Array(request);
  reply.set(request.subarray(24, 40), 8);
  reply.set(request.subarray(8, 24), 24);
  reply[IPV6_BYTES] = ECHO_REPLY_6;
  writeUint16(reply, IPV6_BYTES + 2, 0);
  writeUint16(reply, IPV6_BYTES + 2, checksum(pseudo + sum(reply.subarray(IPV6_BYTES))));
  return reply;
}
