import { writeUint16 } from "../../../src/core/base/bytes.ts";
import { addressBytes, type IpAddress } from "../../../src/core/netip/address.ts";
import { checksum, ipv4 } from "../../netns/hostile/programs/member.ts";

/** One packet that would open a flow. What it is made of beside its addresses. */
export interface Probe {
  readonly what: string;
  readonly protocol: number;
  /** Of the service; for ICMP an identifier. */
  readonly port: number;
  /** A fragment after the first, whose first nobody has seen. */
  readonly fragment?: true;
}

const [ICMP, TCP, UDP, GRE, ICMPV6] = [1, 6, 17, 47, 58];

export const PROBES: readonly Probe[] = [
  { what: "tcp 22", protocol: TCP, port: 22 },
  { what: "tcp 443", protocol: TCP, port: 443 },
  { what: "tcp 8080", protocol: TCP, port: 8080 },
  { what: "udp 53", protocol: UDP, port: 53 },
  { what: "udp 443", protocol: UDP, port: 443 },
  { what: "udp 65535", protocol: UDP, port: 65_535 },
  { what: "echo request", protocol: ICMP, port: 0 },
  { what: "gre, which has 53 where ports are", protocol: GRE, port: 53 },
  { what: "fragment of udp", protocol: UDP, port: 0, fragment: true },
  { what: "fragment of icmp", protocol: ICMP, port: 0, fragment: true },
];

/** The families know no GRE with ports, and fragments, alike; what differs stays with IPv4. */
export const PROBES_V6: readonly Probe[] = PROBES.slice(0, 7);

/** An IPv4 packet with `mark` as its identification, from a port of its own. */
export function packetV4(probe: Probe, from: string, to: string, mark: number): Uint8Array {
  const { protocol, fragment } = probe;
  const payload = fragment ? new Uint8Array(16) : payloadOf(probe, mark);
  return ipv4({ from, to, protocol, id: mark, flagsAndOffset: fragment ? 0x0010 : 0x4000, payload });
}

/** An IPv6 packet with `mark` as its flow label. */
export function packetV6(probe: Probe, from: string, to: string, mark: number): Uint8Array {
  const payload = payloadOf(probe, mark);
  const isIcmp = probe.protocol === ICMP;
  if (isIcmp) payload[0] = 128;
  const packet = new Uint8Array(40 + payload.length);
  packet[0] = 0x60;
  writeUint16(packet, 2, mark);
  writeUint16(packet, 4, payload.length);
  packet[6] = isIcmp ? ICMPV6 : probe.protocol;
  packet[7] = 64;
  packet.set(addressBytes(from as IpAddress), 8);
  packet.set(addressBytes(to as IpAddress), 24);
  packet.set(payload, 40);
  return packet;
}

/** Enough of an upper layer to be judged: the kernel behind it need not like it. */
function payloadOf({ protocol, port }: Probe, mark: number): Uint8Array {
  const payload = new Uint8Array(24);
  if (protocol === ICMP) {
    payload[0] = 8;
    writeUint16(payload, 4, mark);
    writeUint16(payload, 2, checksum(payload));
    return payload;
  }
  writeUint16(payload, 0, mark);
  writeUint16(payload, 2, port);
  if (protocol === TCP) payload.set([0x50, 0x02], 12);
  else writeUint16(payload, 4, payload.length);
  return payload;
}
