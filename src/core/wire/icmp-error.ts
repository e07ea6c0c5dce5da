import { readUint16, writeUint16 } from "../base/bytes.ts";
import { IpProtocol } from "../netip/ip-protocol.ts";
import { type InnerPacket, parseInnerPacket } from "./inner-packet.ts";

// An ICMP or ICMPv6 error (RFC 792, RFC 4443 2.1):
//
//   0: type   1: code   2..3: checksum   4..7: depends   8...: the packet that it is about, from its IP header on, perhaps cut short

const QUOTE_OFFSET = 8;
/** Unreachable, time exceeded, parameter problem. Source quench is obsolete (RFC 6633), and a redirect is no error. */
const ERRORS: ReadonlySet<number> = new Set([3, 11, 12]);
/** Unreachable, packet too big, time exceeded, parameter problem. */
const ERRORS_V6: ReadonlySet<number> = new Set([1, 2, 3, 4]);

/** Whether this is an ICMP error of its IP version, and whole: of a part nobody can say what all of it quotes. */
export function isIcmpError({ family, protocol, icmpIn, part }: InnerPacket): boolean {
  if (part) return false;
  return family === 4
    ? protocol === IpProtocol.icmp && ERRORS.has(icmpIn)
    : protocol === IpProtocol.icmpv6 && ERRORS_V6.has(icmpIn);
}

/**
 * The packet that an ICMP error is about, seen from this host: it went the other way, and whoever sent it is who is told. Undefined when nothing
 * sensible is quoted, or a part of a packet in which no port stands.
 */
export function quotedPacket(
  bytes: Uint8Array,
  error: InnerPacket,
  direction: "inbound" | "outbound",
): InnerPacket | undefined {
  const quote = completed(bytes.subarray(error.upperOffset + QUOTE_OFFSET, error.length));
  const parsed = parseInnerPacket(quote, direction === "inbound" ? "outbound" : "inbound");
  if (!parsed.ok || parsed.value.family !== error.family || parsed.value.isRest) return undefined;
  const [sender, told] =
    direction === "inbound"
      ? [parsed.value.localAddress, error.localAddress]
      : [parsed.value.remoteAddress, error.remoteAddress];
  return sender === told ? parsed.value : undefined;
}

/** A packet cut short says what a whole one says, once its length is that of what is there. Of parts the first names the ports. */
function completed(quote: Uint8Array): Uint8Array {
  const whole = new Uint8Array(quote);
  if ((whole[0] ?? 0) >> 4 === 4 && whole.length >= IPV4_BYTES) {
    writeUint16(whole, 2, Math.min(readUint16(whole, 2), whole.length));
    whole[6] = (whole[6] ?? 0) & ~MORE_FRAGMENTS;
  } else if (whole.length >= IPV6_BYTES) {
    writeUint16(whole, 4, Math.min(readUint16(whole, 4), whole.length - IPV6_BYTES));
  }
  return whole;
}

const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const MORE_FRAGMENTS = 0x20;
