import { addressBytes, addressFromBytes, familyOf, type IpAddress } from "../../../src/core/netip/address.ts";

export type InnerProtocol = "icmp" | "tcp" | "udp";

/** What an application puts into the TUN device. For ICMP the two ports are the echo identifier. */
export interface InnerFlow {
  readonly from: IpAddress;
  readonly to: IpAddress;
  readonly protocol: InnerProtocol;
  readonly fromPort: number;
  readonly toPort: number;
}

/** Eight bytes at the front of every payload; they must never be seen on the underlay. */
export const CANARY = "canary::";

/** A whole IP packet whose payload is the canary, a number that no other packet has, and padding up to `payloadBytes`. */
export function innerPacket(flow: InnerFlow, id: number, payloadBytes: number): Uint8Array {
  const transport = transportHeader(flow);
  const body = new Uint8Array(transport.length + Math.max(payloadBytes, 12));
  body.set(transport);
  body.set(Buffer.from(CANARY, "latin1"), transport.length);
  new DataView(body.buffer).setUint32(transport.length + 8, id);
  for (let i = transport.length + 12; i < body.length; i++) body[i] = (id * 31 + i) & 0xff;
  if (flow.protocol === "udp") new DataView(body.buffer).setUint16(4, body.length);
  new DataView(body.buffer).setUint16(checksumAt[flow.protocol], checksum(pseudoHeader(flow, body.length), body));
  const header = familyOf(flow.to) === 4 ? ipv4Header(flow, body.length, id) : ipv6Header(flow, body.length);
  const packet = new Uint8Array(header.length + body.length);
  packet.set(header);
  packet.set(body, header.length);
  return packet;
}

/** The number of a packet that `innerPacket` made, wherever it was found; undefined when it is none. */
export function idOf(packet: Uint8Array): number | undefined {
  const at = Buffer.from(packet.buffer, packet.byteOffset, packet.length).indexOf(CANARY, 0, "latin1");
  if (at < 0 || at + 12 > packet.length) return undefined;
  return new DataView(packet.buffer, packet.byteOffset).getUint32(at + 8);
}

export function sourceOf(packet: Uint8Array): IpAddress | undefined {
  return packet[0] !== undefined && packet[0] >> 4 === 6
    ? addressFromBytes(packet.subarray(8, 24))
    : addressFromBytes(packet.subarray(12, 16));
}

/** The same conversation as the other side sees it. */
export function reversed(flow: InnerFlow): InnerFlow {
  return { ...flow, from: flow.to, to: flow.from, fromPort: flow.toPort, toPort: flow.fromPort };
}

const protocolNumbers = { tcp: 6, udp: 17 } as const;
/** Where in the transport header its checksum stands. */
const checksumAt = { icmp: 2, tcp: 16, udp: 6 } as const;

function protocolNumber({ protocol, to }: InnerFlow): number {
  if (protocol !== "icmp") return protocolNumbers[protocol];
  return familyOf(to) === 4 ? 1 : 58;
}

/** What a transport checksum covers of the IP header: both addresses, length and protocol; nothing in ICMPv4. */
function pseudoHeader(flow: InnerFlow, bodyBytes: number): Uint8Array {
  const protocol = protocolNumber(flow);
  if (protocol === 1) return new Uint8Array();
  return Uint8Array.of(
    ...addressBytes(flow.from),
    ...addressBytes(flow.to),
    bodyBytes >> 8,
    bodyBytes & 255,
    0,
    protocol,
  );
}

/** RFC 1071 over parts of which only the last may be odd, their checksum field still zero. */
export function checksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) for (let i = 0; i < part.length; i += 2) sum += ((part[i] ?? 0) << 8) | (part[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function transportHeader(flow: InnerFlow): Uint8Array {
  const header = new Uint8Array(flow.protocol === "tcp" ? 20 : 8);
  const view = new DataView(header.buffer);
  if (flow.protocol === "icmp") {
    view.setUint8(0, familyOf(flow.to) === 4 ? 8 : 128);
    view.setUint16(4, flow.toPort);
    return header;
  }
  view.setUint16(0, flow.fromPort);
  view.setUint16(2, flow.toPort);
  if (flow.protocol === "tcp") view.setUint8(12, 5 << 4);
  return header;
}

function ipv4Header(flow: InnerFlow, bodyBytes: number, id: number): Uint8Array {
  const header = new Uint8Array(20);
  const view = new DataView(header.buffer);
  view.setUint8(0, 0x45);
  view.setUint16(2, 20 + bodyBytes);
  // By it the parts of a packet are known, should it be divided.
  view.setUint16(4, id);
  view.setUint8(8, 64);
  view.setUint8(9, protocolNumber(flow));
  header.set(addressBytes(flow.from), 12);
  header.set(addressBytes(flow.to), 16);
  view.setUint16(10, checksum(header));
  return header;
}

function ipv6Header(flow: InnerFlow, bodyBytes: number): Uint8Array {
  const header = new Uint8Array(40);
  const view = new DataView(header.buffer);
  view.setUint8(0, 0x60);
  view.setUint16(4, bodyBytes);
  view.setUint8(6, protocolNumber(flow));
  view.setUint8(7, 64);
  header.set(addressBytes(flow.from), 8);
  header.set(addressBytes(flow.to), 24);
  return header;
}
