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
  const header = familyOf(flow.to) === 4 ? ipv4Header(flow, body.length) : ipv6Header(flow, body.length);
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

function ipv4Header(flow: InnerFlow, bodyBytes: number): Uint8Array {
  const header = new Uint8Array(20);
  const view = new DataView(header.buffer);
  view.setUint8(0, 0x45);
  view.setUint16(2, 20 + bodyBytes);
  view.setUint8(8, 64);
  view.setUint8(9, flow.protocol === "icmp" ? 1 : protocolNumbers[flow.protocol]);
  header.set(addressBytes(flow.from), 12);
  header.set(addressBytes(flow.to), 16);
  return header;
}

function ipv6Header(flow: InnerFlow, bodyBytes: number): Uint8Array {
  const header = new Uint8Array(40);
  const view = new DataView(header.buffer);
  view.setUint8(0, 0x60);
  view.setUint16(4, bodyBytes);
  view.setUint8(6, flow.protocol === "icmp" ? 58 : protocolNumbers[flow.protocol]);
  view.setUint8(7, 64);
  header.set(addressBytes(flow.from), 8);
  header.set(addressBytes(flow.to), 24);
  return header;
}
