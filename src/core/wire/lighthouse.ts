import { fail, ok, type Result } from "../base/result.ts";
import type { CertificateVersion } from "../cert/certificate.ts";
import { familyOf, type IpAddress, v4FromNumber } from "../netip/address.ts";
import { type Endpoint, endpoint, endpointAddress, endpointPort } from "../netip/endpoint.ts";
import { decodeNatReport, encodeNatReport, type NatReport } from "./nat-report.ts";
import { addressFromHalves, decodeAddress, encodeAddress, halvesOf, isUsable, v4ToNumber } from "./overlay-address.ts";
import { ProtobufReader, ProtobufWriter } from "./protobuf.ts";

/**
 * What hosts and lighthouses say to each other (protocol 5.1). `endpoints` are underlay addresses, the most useful first; `relays` are
 * overlay addresses of hosts that will relay.
 */
export type LighthouseMessage =
  /** `asker`: whom a lighthouse asks for, when it asks another one. */
  | { readonly kind: "host-query"; readonly target: IpAddress; readonly asker?: AskingHost | undefined }
  | ({ readonly kind: "host-query-reply"; readonly target: IpAddress } & WaysToHost)
  /** `address` is the sender's in the v1 dialect; absent in v2. */
  | ({ readonly kind: "host-update"; readonly address: IpAddress | undefined } & WaysToHost)
  /**
   * `seen`: where the lighthouse sees the sender of the update; `tellsBindings`: it answers binding requests. Lighthouses of ours say so, and nobody
   * else reads it.
   */
  | {
      readonly kind: "host-update-ack";
      readonly address: IpAddress | undefined;
      readonly seen: readonly Endpoint[];
      readonly tellsBindings?: boolean;
    }
  /** `address` is that of the host which is about to call. */
  | ({ readonly kind: "host-punch"; readonly address: IpAddress } & WaysToHost)
  /** A type that nobody sends, or that does not exist yet. */
  | { readonly kind: "ignored"; readonly type: number };

/** A host on whose behalf its lighthouse asks. An extension of ours: a field that Nebula skips, so that its lighthouses answer all the same. */
export interface AskingHost extends WaysToHost {
  readonly address: IpAddress;
}

interface WaysToHost {
  readonly endpoints: readonly Endpoint[];
  readonly relays: readonly IpAddress[];
  /** What the host knows about its translator; lighthouses and hosts of ours say so. */
  readonly nat?: NatReport | undefined;
}

/** More than this many of one kind in a message are not even looked at (protocol 13.43). */
export const ADDRESSES_MAX = 10;

/**
 * Reads a message: of each list the first 10 entries, of which unusable ones (port 0, the unspecified address) are then left out. IPv4
 * endpoints stand before IPv6 ones. The dialect is what the sender spoke; an answer speaks the same.
 */
export function decodeLighthouseMessage(
  bytes: Uint8Array,
): Result<{ readonly message: LighthouseMessage; readonly dialect: CertificateVersion }, string> {
  const reader = new ProtobufReader(bytes);
  let type = 0;
  let body: Uint8Array = new Uint8Array();
  while (reader.next()) {
    if (reader.field === Meta.type) type = reader.uint32();
    else if (reader.field === Meta.details) body = reader.bytes();
  }
  if (reader.failed) return fail("the lighthouse message is not well formed");
  if (!isSpoken(type)) return ok({ message: { kind: "ignored", type }, dialect: 1 });

  const details = decodeDetails(body);
  if (!details) return fail("the details of the lighthouse message are not well formed");
  const { address, dialect, asker, tellsBindings, ...ways } = details;
  if (type === MessageType.hostUpdate) return ok({ message: { kind: "host-update", address, ...ways }, dialect });
  if (type === MessageType.hostUpdateAck)
    return ok({
      message: { kind: "host-update-ack", address, seen: ways.endpoints, ...(tellsBindings && { tellsBindings }) },
      dialect,
    });
  if (!address) return fail("the lighthouse message names no host");
  if (type === MessageType.hostQuery) return ok({ message: { kind: "host-query", target: address, asker }, dialect });
  if (type === MessageType.hostPunch) return ok({ message: { kind: "host-punch", address, ...ways }, dialect });
  return ok({ message: { kind: "host-query-reply", target: address, ...ways }, dialect });
}

/**
 * The bytes of a message; undefined when this dialect cannot say it: v1 has no IPv6 overlay addresses, needs the sender's address in
 * updates and acknowledgements, and leaves IPv6 relays out. "ignored" is never sent.
 */
export function encodeLighthouseMessage(
  message: LighthouseMessage,
  dialect: CertificateVersion,
): Uint8Array | undefined {
  if (message.kind === "ignored") return undefined;
  const address = "target" in message ? message.target : message.address;
  if (dialect === 1 && (!address || familyOf(address) === 6)) return undefined;
  const asker = message.kind === "host-query" ? message.asker : undefined;
  if (dialect === 1 && asker && familyOf(asker.address) === 6) return undefined;
  const writer = new ProtobufWriter().varint(Meta.type, TYPE_OF[message.kind]);
  const details = writer.open(Meta.details);
  writeDetails(writer, address, waysIn(message), dialect, asker);
  if (message.kind === "host-update-ack") writer.varint(Details.tellsBindings, Number(message.tellsBindings ?? false));
  return writer.close(details).finish();
}

const Meta = { type: 1, details: 2 } as const;

const MessageType = { hostQuery: 1, hostQueryReply: 2, hostUpdate: 3, hostPunch: 5, hostUpdateAck: 10 } as const;

const SPOKEN: ReadonlySet<number> = new Set(Object.values(MessageType));

const TYPE_OF = {
  "host-query": MessageType.hostQuery,
  "host-query-reply": MessageType.hostQueryReply,
  "host-update": MessageType.hostUpdate,
  "host-punch": MessageType.hostPunch,
  "host-update-ack": MessageType.hostUpdateAck,
} as const;

const Details = {
  oldAddress: 1,
  v4Endpoints: 2,
  v6Endpoints: 4,
  oldRelays: 5,
  address: 6,
  relays: 7,
  /** Far from what Nebula may count on to. */
  nat: 100,
  asker: 101,
  tellsBindings: 102,
} as const;

const NOWHERE: WaysToHost = { endpoints: [], relays: [] };

function waysIn(message: LighthouseMessage): WaysToHost {
  if (message.kind === "host-update-ack") return { ...NOWHERE, endpoints: message.seen };
  return "endpoints" in message ? message : NOWHERE;
}

function isSpoken(type: number): boolean {
  return SPOKEN.has(type);
}

interface DecodedDetails extends WaysToHost {
  readonly address: IpAddress | undefined;
  readonly dialect: CertificateVersion;
  readonly asker: AskingHost | undefined;
  readonly tellsBindings: boolean;
}

/** An asker does not ask for somebody else: what stands inside it is not looked at. */
function decodeAsker(bytes: Uint8Array | undefined): AskingHost | undefined {
  const details = bytes && decodeDetails(bytes, "inner");
  if (!details?.address) return undefined;
  const { address, endpoints, relays, nat } = details;
  return { address, endpoints, relays, ...(nat && { nat }) };
}

function decodeDetails(bytes: Uint8Array, level: "outer" | "inner" = "outer"): DecodedDetails | undefined {
  const reader = new ProtobufReader(bytes);
  const v4 = new EndpointList();
  const v6 = new EndpointList();
  const oldRelays: number[] = [];
  const newRelays: (IpAddress | undefined)[] = [];
  let oldAddress = 0;
  let newAddress: Uint8Array | undefined;
  let nat: NatReport | undefined;
  let asking: Uint8Array | undefined;
  let tellsBindings = false;
  while (reader.next()) {
    if (reader.field === Details.oldAddress) oldAddress = reader.uint32();
    else if (reader.field === Details.v4Endpoints) v4.add(reader.bytes(), decodeV4Endpoint);
    else if (reader.field === Details.v6Endpoints) v6.add(reader.bytes(), decodeV6Endpoint);
    else if (reader.field === Details.oldRelays) reader.uint32s(oldRelays, ADDRESSES_MAX);
    else if (reader.field === Details.address) newAddress = reader.bytes();
    else if (reader.field === Details.relays) {
      const relay = reader.bytes();
      if (newRelays.length < ADDRESSES_MAX) newRelays.push(decodeAddress(relay));
    } else if (reader.field === Details.nat) nat = decodeNatReport(reader.bytes());
    else if (reader.field === Details.asker && level === "outer") asking = reader.bytes();
    else if (reader.field === Details.tellsBindings) tellsBindings = reader.uint32() === 1;
  }
  if (reader.failed) return undefined;
  const asker = decodeAsker(asking);
  if (asking && !asker) return undefined;
  const relays = [...oldRelays.map(v4FromNumber), ...newRelays].slice(0, ADDRESSES_MAX).filter(isUsable);
  const ways = { endpoints: [...v4.usable, ...v6.usable], relays, ...(nat && { nat }), asker, tellsBindings };
  if (oldAddress !== 0) return { address: v4FromNumber(oldAddress), dialect: 1, ...ways };
  const address = newAddress && decodeAddress(newAddress);
  if (newAddress && !isUsable(address)) return undefined;
  return { address, dialect: 2, ...ways };
}

/** The first ten entries of a repeated endpoint; of these the usable ones. */
class EndpointList {
  readonly usable: Endpoint[] = [];
  #seen = 0;

  add(bytes: Uint8Array, decode: (bytes: Uint8Array) => Endpoint | undefined): void {
    if (this.#seen++ >= ADDRESSES_MAX) return;
    const value = decode(bytes);
    if (value) this.usable.push(value);
  }
}

function decodeV4Endpoint(bytes: Uint8Array): Endpoint | undefined {
  const reader = new ProtobufReader(bytes);
  let address = 0;
  let port = 0;
  while (reader.next()) {
    if (reader.field === 1) address = reader.uint32();
    else if (reader.field === 2) port = reader.uint32();
  }
  return reader.failed ? undefined : usableEndpoint(v4FromNumber(address), port);
}

function decodeV6Endpoint(bytes: Uint8Array): Endpoint | undefined {
  const reader = new ProtobufReader(bytes);
  let hi = 0n;
  let lo = 0n;
  let port = 0;
  while (reader.next()) {
    if (reader.field === 1) hi = reader.uint64();
    else if (reader.field === 2) lo = reader.uint64();
    else if (reader.field === 3) port = reader.uint32();
  }
  return reader.failed ? undefined : usableEndpoint(addressFromHalves(hi, lo), port);
}

function writeDetails(
  writer: ProtobufWriter,
  address: IpAddress | undefined,
  { endpoints, relays, nat }: WaysToHost,
  dialect: CertificateVersion,
  asker?: AskingHost,
): void {
  if (dialect === 1 && address) writer.varint(Details.oldAddress, v4ToNumber(address));
  for (const at of endpoints) {
    const underlay = endpointAddress(at);
    if (familyOf(underlay) !== 4) continue;
    const start = writer.open(Details.v4Endpoints);
    writer.varint(1, v4ToNumber(underlay)).varint(2, endpointPort(at)).close(start);
  }
  for (const at of endpoints) {
    const underlay = endpointAddress(at);
    if (familyOf(underlay) !== 6) continue;
    const { hi, lo } = halvesOf(underlay);
    const start = writer.open(Details.v6Endpoints);
    writer.varint(1, hi).varint(2, lo).varint(3, endpointPort(at)).close(start);
  }
  if (dialect === 1) {
    writer.packedUint32s(Details.oldRelays, relays.filter((relay) => familyOf(relay) === 4).map(v4ToNumber));
  } else {
    if (address) writer.message(Details.address, encodeAddress(address));
    for (const relay of relays) writer.message(Details.relays, encodeAddress(relay));
  }
  if (nat) writer.message(Details.nat, encodeNatReport(nat));
  if (!asker) return;
  const start = writer.open(Details.asker);
  writeDetails(writer, asker.address, asker, dialect);
  writer.close(start);
}

/** Ports are cut to 16 bits, as the reference does. */
function usableEndpoint(address: IpAddress | undefined, port: number): Endpoint | undefined {
  const port16 = port & 0xffff;
  return isUsable(address) && port16 !== 0 ? endpoint(address, port16) : undefined;
}
