import { readUint16 } from "../../../src/core/base/bytes.ts";
import type { Probe } from "./probes.ts";

/** A member by its configuration. */
export interface Peer {
  readonly config: string;
}

/** One packet to send. `mark` tells it from every other one of its rule set. */
export interface Order {
  readonly probe: Probe;
  readonly peer: number;
  readonly host: number;
  readonly from: string;
  readonly to: string;
  readonly mark: number;
}

/** One packet that the judged host's own kernel is to send, from this port or with this identifier. */
export interface OwnOrder {
  readonly what: "udp" | "tcp" | "echo";
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly mark: number;
}

/** What of a packet tells who asked for it: protocol, addresses, and the port of whoever opened the flow, or the identifier of an echo request. */
export interface Seen {
  readonly protocol: number;
  /** In hexadecimal. */
  readonly source: string;
  readonly destination: string;
  readonly port: number;
}

/** Reads an IPv4 or IPv6 packet without extension headers. An answer to an echo request has none of its own. */
export function readPort(packet: Uint8Array): Seen {
  const isV6 = (packet[0] ?? 0) >> 4 === 6;
  const upper = isV6 ? 40 : 20;
  const protocol = packet[isV6 ? 6 : 9] ?? 0;
  const isIcmp = protocol === 1 || protocol === 58;
  const at = isIcmp ? upper + 4 : upper;
  const hex = (start: number, end: number): string => Buffer.from(packet.subarray(start, end)).toString("hex");
  const [source, destination] = isV6 ? [hex(8, 24), hex(24, 40)] : [hex(12, 16), hex(16, 20)];
  const port = isIcmp && packet[upper] !== 8 && packet[upper] !== 128 ? 0 : readUint16(packet, at);
  return { protocol, source, destination, port };
}
