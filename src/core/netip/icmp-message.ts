import { IpProtocol } from "./ip-protocol.ts";

/**
 * One number for a kind of ICMP message of either family: types of ICMP as they are, those of ICMPv6 behind them. The families give the same
 * numbers to different messages (RFC 792, RFC 4443), and rules mean both.
 */
export function icmpMessage(protocol: number, type: number): number {
  return protocol === IpProtocol.icmpv6 ? ICMPV6_OFFSET + type : type;
}

/** The type as its own family numbers it. */
export function icmpTypeOf(message: number): number {
  return message % ICMPV6_OFFSET;
}

const ICMPV6_OFFSET = 256;
/** Type 255 of ICMPv6. */
export const ICMP_MESSAGE_MAX: number = 2 * ICMPV6_OFFSET - 1;

/** Kinds of messages that rules can name, each as the types by which the families know it. */
export const ICMP_NAMES: ReadonlyMap<string, readonly number[]> = new Map([
  ["echo-request", both(8, 128)],
  ["echo-reply", both(0, 129)],
  ["unreachable", both(3, 1)],
  ["packet-too-big", [3, icmpMessage(IpProtocol.icmpv6, 2)]],
  ["time-exceeded", both(11, 3)],
  ["parameter-problem", both(12, 4)],
  ["timestamp-request", [13]],
  ["timestamp-reply", [14]],
]);

function both(icmp: number, icmpv6: number): readonly number[] {
  return [icmp, icmpMessage(IpProtocol.icmpv6, icmpv6)];
}
