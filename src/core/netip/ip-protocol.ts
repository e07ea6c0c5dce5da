/** IP protocol numbers that rules and flows tell apart (IANA "Assigned Internet Protocol Numbers"). */
export const IpProtocol = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const;

/** ICMP of either family: to rules they are one protocol (protocol 9.4). */
export function isIcmp(protocol: number): boolean {
  return protocol === IpProtocol.icmp || protocol === IpProtocol.icmpv6;
}
