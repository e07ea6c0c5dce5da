import { utf8Encode } from "../base/bytes.ts";
import { DropReason } from "../drop-reason.ts";
import type { RulePart } from "../firewall/rule.ts";
import type { IpAddress } from "../netip/address.ts";
import { PORT_MAX } from "../netip/service.ts";
import { decodeAddress, encodeAddress, isUsable } from "./overlay-address.ts";
import { ProtobufReader, ProtobufWriter } from "./protobuf.ts";

// A message of ours among the control messages, in a field that NebulaControl (protocol 7.2) does not have: implementations without it see a message
// of no kind and skip it.
//
//   18 { 1 kind   2 id   3 packet   4 outbound   5 judgement   6 host   7 fingerprint   8 code   9 text   10 addresses (repeated) }

/** A packet by its addresses, as it travels: whoever reads it knows best what is local there. */
export interface PacketAddresses {
  readonly protocol: number;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Of an ICMP packet, as `icmpMessage` numbers it; undefined: not known. */
  readonly icmpMessage: number | undefined;
}

/** A rule of a configuration as people find it. */
export interface NamedRule {
  /** Where it stands: "config.yml:18". */
  readonly place: string;
  /** In one line, in the words of the configuration. */
  readonly text: string;
}

/** What a host does with a packet, and why. */
export type Judgement =
  | { readonly allowed: true; readonly rule: NamedRule }
  | {
      readonly allowed: false;
      readonly reason: DropReason;
      /** The rule that nearly allowed it, of what no rule allows. */
      readonly closest: (NamedRule & { readonly misses: readonly RulePart[] }) | undefined;
    };

/** What two hosts say to each other about the packets between them, and about who is who. */
export type ExplanationMessage =
  /** What would the other side do with this packet, of the asker or to it? */
  | {
      readonly kind: "question";
      readonly id: number;
      readonly packet: PacketAddresses;
      /** Whether it would leave whoever is asked. */
      readonly outbound: boolean;
    }
  /** Undefined: it does not say. */
  | { readonly kind: "answer"; readonly id: number; readonly judgement: Judgement | undefined }
  /** A packet of whoever reads this was refused here. */
  | { readonly kind: "refused"; readonly packet: PacketAddresses; readonly judgement: Judgement }
  /** A handshake of `host` was refused here; for a lighthouse, to pass it on. */
  | ({ readonly kind: "tell-handshake-refused" } & HandshakeRefused)
  /** A handshake of whoever reads this was refused by `host`; from a lighthouse. */
  | ({ readonly kind: "handshake-refused" } & HandshakeRefused)
  /** For a lighthouse: which addresses of the overlay has the host with this name in its certificate? */
  | { readonly kind: "who-is"; readonly id: number; readonly name: string }
  /** At most `ADDRESSES_MAX`; none: it does not know such a host. */
  | { readonly kind: "host-is"; readonly id: number; readonly addresses: readonly IpAddress[] };

export interface HandshakeRefused {
  readonly host: IpAddress;
  /** Of the certificate that was refused, in lower-case hex. */
  readonly fingerprint: string;
  readonly code: string;
  /** A clause. */
  readonly text: string;
}

/** Undefined when it is another message, or one that makes no sense. */
export function decodeExplanation(body: Uint8Array): ExplanationMessage | undefined {
  const inner = fieldOf(body, Control.explanation);
  return inner && messageOf(readFields(inner));
}

export function encodeExplanation(message: ExplanationMessage): Uint8Array {
  const writer = new ProtobufWriter();
  const start = writer.open(Control.explanation);
  writer.varint(Field.kind, KINDS.indexOf(message.kind) + 1);
  if ("id" in message) writer.varint(Field.id, message.id);
  if ("packet" in message) writer.message(Field.packet, encodePacket(message.packet));
  if (message.kind === "question") writer.varint(Field.outbound, message.outbound ? 1 : 0);
  if ("judgement" in message && message.judgement) writer.message(Field.judgement, encodeJudgement(message.judgement));
  if ("host" in message)
    writer
      .message(Field.host, encodeAddress(message.host))
      .bytes(Field.fingerprint, utf8(message.fingerprint))
      .bytes(Field.code, utf8(message.code))
      .bytes(Field.text, utf8(message.text));
  if ("name" in message) writer.bytes(Field.text, utf8(message.name));
  if ("addresses" in message)
    for (const address of message.addresses) writer.message(Field.addresses, encodeAddress(address));
  return writer.close(start).finish();
}

const Control = { explanation: 18 } as const;
const Field = {
  kind: 1,
  id: 2,
  packet: 3,
  outbound: 4,
  judgement: 5,
  host: 6,
  fingerprint: 7,
  code: 8,
  text: 9,
  addresses: 10,
} as const;
const Packet = {
  protocol: 1,
  source: 2,
  destination: 3,
  sourcePort: 4,
  destinationPort: 5,
  /** One more than it is: 0 is a type. */
  icmpMessage: 6,
} as const;
const Judged = { allowed: 1, reason: 2, place: 3, text: 4, misses: 5 } as const;

const KINDS: readonly ExplanationMessage["kind"][] = [
  "question",
  "answer",
  "refused",
  "tell-handshake-refused",
  "handshake-refused",
  "who-is",
  "host-is",
];
const PARTS: readonly RulePart[] = ["protocol", "icmp-type", "port", "ca", "peer", "local"];
const REASONS: ReadonlySet<string> = new Set(Object.values(DropReason));

/** Of one host. */
export const ADDRESSES_MAX = 8;
/** Bytes of one text: a rule with many groups is longer, and its place says the rest. */
const TEXT_BYTES_MAX = 512;

interface Fields {
  kind: ExplanationMessage["kind"] | undefined;
  id: number;
  packet: PacketAddresses | undefined;
  outbound: boolean;
  judgement: Judgement | undefined;
  host: IpAddress | undefined;
  fingerprint: string;
  code: string;
  text: string;
  readonly addresses: IpAddress[];
}

function readFields(bytes: Uint8Array): Fields | undefined {
  const fields: Fields = {
    kind: undefined,
    id: 0,
    packet: undefined,
    outbound: false,
    judgement: undefined,
    host: undefined,
    fingerprint: "",
    code: "",
    text: "",
    addresses: [],
  };
  const reader = new ProtobufReader(bytes);
  while (reader.next()) {
    if (reader.field === Field.kind) fields.kind = KINDS[reader.uint32() - 1];
    else if (reader.field === Field.id) fields.id = reader.uint32();
    else if (reader.field === Field.packet) fields.packet = decodePacket(reader.bytes());
    else if (reader.field === Field.outbound) fields.outbound = reader.bool();
    else if (reader.field === Field.judgement) fields.judgement = decodeJudgement(reader.bytes());
    else if (reader.field === Field.host) fields.host = decodeAddress(reader.bytes());
    else if (reader.field === Field.fingerprint) fields.fingerprint = textOf(reader);
    else if (reader.field === Field.code) fields.code = textOf(reader);
    else if (reader.field === Field.text) fields.text = textOf(reader);
    else if (reader.field === Field.addresses) {
      const address = decodeAddress(reader.bytes());
      if (isUsable(address) && fields.addresses.length < ADDRESSES_MAX) fields.addresses.push(address);
    }
  }
  return reader.failed ? undefined : fields;
}

function messageOf(fields: Fields | undefined): ExplanationMessage | undefined {
  if (!fields) return undefined;
  const { kind, id, packet, outbound, judgement, host, fingerprint, code, text, addresses } = fields;
  switch (kind) {
    case "question":
      return packet && { kind, id, packet, outbound };
    case "answer":
      return { kind, id, judgement };
    case "refused":
      return packet && judgement && { kind, packet, judgement };
    case "handshake-refused":
    case "tell-handshake-refused":
      return isUsable(host) ? { kind, host, fingerprint, code, text } : undefined;
    case "who-is":
      return text === "" ? undefined : { kind, id, name: text };
    case "host-is":
      return { kind, id, addresses };
    case undefined:
      return undefined;
  }
}

function encodePacket(packet: PacketAddresses): Uint8Array {
  const { protocol, source, destination, sourcePort, destinationPort, icmpMessage } = packet;
  return new ProtobufWriter()
    .varint(Packet.protocol, protocol)
    .message(Packet.source, encodeAddress(source))
    .message(Packet.destination, encodeAddress(destination))
    .varint(Packet.sourcePort, sourcePort)
    .varint(Packet.destinationPort, destinationPort)
    .varint(Packet.icmpMessage, icmpMessage === undefined ? 0 : icmpMessage + 1)
    .finish();
}

function decodePacket(bytes: Uint8Array): PacketAddresses | undefined {
  const reader = new ProtobufReader(bytes);
  let source: IpAddress | undefined;
  let destination: IpAddress | undefined;
  let [protocol, sourcePort, destinationPort, icmp] = [0, 0, 0, 0];
  while (reader.next()) {
    if (reader.field === Packet.protocol) protocol = reader.uint32();
    else if (reader.field === Packet.source) source = decodeAddress(reader.bytes());
    else if (reader.field === Packet.destination) destination = decodeAddress(reader.bytes());
    else if (reader.field === Packet.sourcePort) sourcePort = reader.uint32();
    else if (reader.field === Packet.destinationPort) destinationPort = reader.uint32();
    else if (reader.field === Packet.icmpMessage) icmp = reader.uint32();
  }
  const isSound = protocol <= PROTOCOL_MAX && Math.max(sourcePort, destinationPort) <= PORT_MAX;
  if (reader.failed || !isSound || !isUsable(source) || !isUsable(destination)) return undefined;
  const icmpMessage = icmp === 0 ? undefined : icmp - 1;
  return { protocol, source, destination, sourcePort, destinationPort, icmpMessage };
}

/** IP protocol numbers are a byte. */
const PROTOCOL_MAX = 255;

function encodeJudgement(judgement: Judgement): Uint8Array {
  const rule = judgement.allowed ? judgement.rule : judgement.closest;
  const writer = new ProtobufWriter().varint(Judged.allowed, judgement.allowed ? 1 : 0);
  if (!judgement.allowed) writer.bytes(Judged.reason, utf8(judgement.reason));
  if (rule) writer.bytes(Judged.place, utf8(rule.place)).bytes(Judged.text, utf8(rule.text));
  if (!judgement.allowed && judgement.closest)
    writer.packedUint32s(
      Judged.misses,
      judgement.closest.misses.map((part) => PARTS.indexOf(part)),
    );
  return writer.finish();
}

function decodeJudgement(bytes: Uint8Array): Judgement | undefined {
  const reader = new ProtobufReader(bytes);
  const numbers: number[] = [];
  let [allowed, reason, place, text] = [false, "", "", ""];
  while (reader.next()) {
    if (reader.field === Judged.allowed) allowed = reader.bool();
    else if (reader.field === Judged.reason) reason = textOf(reader);
    else if (reader.field === Judged.place) place = textOf(reader);
    else if (reader.field === Judged.text) text = textOf(reader);
    else if (reader.field === Judged.misses) reader.uint32s(numbers, PARTS.length);
  }
  if (reader.failed) return undefined;
  const rule = { place, text };
  if (allowed) return { allowed, rule };
  const misses = PARTS.filter((_, at) => numbers.includes(at));
  return { allowed, reason: reasonOf(reason), closest: place === "" ? undefined : { ...rule, misses } };
}

/** What a later version calls by a name that is not known here is something else. */
function reasonOf(text: string): DropReason {
  return REASONS.has(text) ? (text as DropReason) : DropReason.other;
}

function fieldOf(body: Uint8Array, field: number): Uint8Array | undefined {
  const reader = new ProtobufReader(body);
  let found: Uint8Array | undefined;
  while (reader.next()) if (reader.field === field) found = reader.bytes();
  return reader.failed ? undefined : found;
}

function textOf(reader: ProtobufReader): string {
  const text = reader.text();
  return text.length > TEXT_BYTES_MAX ? "" : text;
}

/** Cut where it is too long, between characters. */
function utf8(text: string): Uint8Array {
  const bytes = utf8Encode(text);
  if (bytes.length <= TEXT_BYTES_MAX) return bytes;
  let end = TEXT_BYTES_MAX;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}
