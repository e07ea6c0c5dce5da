import { type IpAddress, v4FromNumber } from "../netip/address.ts";
import { isUsable, v4ToNumber } from "./overlay-address.ts";
import { ProtobufReader, ProtobufWriter } from "./protobuf.ts";

/** How a host's address translator chooses the address outside (RFC 4787, 4.1); "none" is no translator at all. */
export type NatMapping = "unknown" | "none" | "endpoint-independent" | "sequential" | "random";

/** Whom it lets in (RFC 4787, 5). */
export type NatFiltering = "unknown" | "endpoint-independent" | "address-dependent" | "address-and-port-dependent";

/**
 * What a host knows about the translator that it is behind. An extension of ours: a field of lighthouse messages that Nebula skips, and that
 * says nothing about where the host is but the ports that a sequential translator gives next.
 */
export interface NatReport {
  readonly mapping: NatMapping;
  readonly filtering: NatFiltering;
  /** How far the port of one mapping is from that of the one before; 0 unless sequential. */
  readonly delta: number;
  /** The port of the newest mapping that somebody has seen; 0 unless sequential. */
  readonly lastPort: number;
  /** Where the lighthouse that passes this on sees the host itself. Only a lighthouse says so. */
  readonly learned: IpAddress | undefined;
  /** Milliseconds between the host and the nearest of its lighthouses, there and back; 0: not known. */
  readonly roundTripMs: number;
}

/** What a report has room for. */
export const ROUND_TRIP_MS_MAX = 0xffff;

export const UNKNOWN_NAT: NatReport = {
  mapping: "unknown",
  filtering: "unknown",
  delta: 0,
  lastPort: 0,
  learned: undefined,
  roundTripMs: 0,
};

const MAPPINGS: readonly NatMapping[] = ["unknown", "none", "endpoint-independent", "sequential", "random"];
const FILTERINGS: readonly NatFiltering[] = [
  "unknown",
  "endpoint-independent",
  "address-dependent",
  "address-and-port-dependent",
];

const Field = { mapping: 1, filtering: 2, delta: 3, lastPort: 4, learned: 5, roundTripMs: 6 } as const;

/** Undefined when it is not well formed. A value that does not exist yet is unknown. */
export function decodeNatReport(bytes: Uint8Array): NatReport | undefined {
  const reader = new ProtobufReader(bytes);
  let [mapping, filtering, delta, lastPort, learned, roundTripMs] = [0, 0, 0, 0, 0, 0];
  while (reader.next()) {
    if (reader.field === Field.mapping) mapping = reader.uint32();
    else if (reader.field === Field.filtering) filtering = reader.uint32();
    else if (reader.field === Field.delta) delta = reader.uint32();
    else if (reader.field === Field.lastPort) lastPort = reader.uint32();
    else if (reader.field === Field.learned) learned = reader.uint32();
    else if (reader.field === Field.roundTripMs) roundTripMs = reader.uint32();
  }
  if (reader.failed) return undefined;
  const address = v4FromNumber(learned);
  return {
    mapping: MAPPINGS[mapping] ?? "unknown",
    filtering: FILTERINGS[filtering] ?? "unknown",
    delta: delta & 0xffff,
    lastPort: lastPort & 0xffff,
    learned: isUsable(address) ? address : undefined,
    roundTripMs: Math.min(roundTripMs, ROUND_TRIP_MS_MAX),
  };
}

export function encodeNatReport(report: NatReport): Uint8Array {
  const { mapping, filtering, delta, lastPort, learned, roundTripMs } = report;
  const writer = new ProtobufWriter()
    .varint(Field.mapping, MAPPINGS.indexOf(mapping))
    .varint(Field.filtering, FILTERINGS.indexOf(filtering))
    .varint(Field.delta, delta)
    .varint(Field.lastPort, lastPort);
  if (learned !== undefined) writer.varint(Field.learned, v4ToNumber(learned));
  return writer.varint(Field.roundTripMs, roundTripMs).finish();
}
