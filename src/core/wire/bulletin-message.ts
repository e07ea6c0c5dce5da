import { utf8Encode } from "../base/bytes.ts";
import { ProtobufReader, ProtobufWriter } from "./protobuf.ts";

// A message of ours among the control messages, in a field that NebulaControl (protocol 7.2) does not have: implementations without it see a message
// of no kind and skip it.
//
//   19 { 1 kind   2 head   3 signature   4 state   5 id   6 offset   7 bytes   8 hosts   9 applied   10 pending (repeated)
//        11 asks   12 deflated }

/** What has become of a bulletin on a host. */
export type BulletinState = "held" | "applied" | "refused";

/** What hosts say to each other about bulletins. Ids are SHA-256 of an encoded head: 32 bytes. */
export type BulletinMessage =
  /** The newest of its stream that the sender holds: an offer for whoever has an older one, and for others an acknowledgement. */
  | {
      readonly kind: "have";
      readonly head: Uint8Array;
      readonly signature: Uint8Array;
      readonly state: BulletinState;
      /** Whether the sender does not know yet that the receiver holds it. */
      readonly asks: boolean;
    }
  /** The body of this one is wanted from here on. `deflated`: it may come so (RFC 1951). */
  | { readonly kind: "want"; readonly id: Uint8Array; readonly offset: number; readonly deflated: boolean }
  /** A piece of the body; or of what it is deflated, which has so many bytes in all. */
  | {
      readonly kind: "piece";
      readonly id: Uint8Array;
      readonly offset: number;
      readonly bytes: Uint8Array;
      readonly deflatedBytes: number | undefined;
    }
  /** For a lighthouse: who has applied this one? */
  | { readonly kind: "who-has"; readonly id: Uint8Array }
  /** Hosts of which it knows, those of them that have applied it, and names of some that have not. */
  | {
      readonly kind: "tally";
      readonly id: Uint8Array;
      readonly hosts: number;
      readonly applied: number;
      readonly pending: readonly string[];
    };

/** Bytes of a body in one message: in one datagram on every underlay. */
export const PIECE_BYTES_MAX = 1_024;
/** Names in one message. */
export const PENDING_NAMES_MAX = 16;
/** Of such a name; a longer one is left out. */
export const PENDING_NAME_CHARACTERS_MAX = 64;

/** Undefined when it is another message, or one that makes no sense. */
export function decodeBulletinMessage(body: Uint8Array): BulletinMessage | undefined {
  const reader = new ProtobufReader(body);
  let inner: Uint8Array | undefined;
  while (reader.next()) if (reader.field === Control.bulletin) inner = reader.bytes();
  if (reader.failed || !inner) return undefined;
  const fields = readFields(inner);
  return fields && messageOf(fields);
}

export function encodeBulletinMessage(message: BulletinMessage): Uint8Array {
  const writer = new ProtobufWriter();
  const start = writer.open(Control.bulletin);
  writer.varint(Field.kind, KINDS.indexOf(message.kind) + 1);
  if (message.kind === "have") {
    writer.bytes(Field.head, message.head).bytes(Field.signature, message.signature);
    writer.varint(Field.state, STATES.indexOf(message.state) + 1).varint(Field.asks, message.asks ? 1 : 0);
  } else {
    writer.bytes(Field.id, message.id);
  }
  if ("offset" in message) writer.varint(Field.offset, message.offset);
  if (message.kind === "want" && message.deflated) writer.varint(Field.deflated, 1);
  if (message.kind === "piece") {
    writer.bytes(Field.bytes, message.bytes);
    if (message.deflatedBytes !== undefined) writer.varint(Field.deflated, message.deflatedBytes);
  }
  if (message.kind === "tally") {
    writer.varint(Field.hosts, message.hosts).varint(Field.applied, message.applied);
    for (const name of message.pending) writer.bytes(Field.pending, utf8Encode(name));
  }
  return writer.close(start).finish();
}

interface Fields {
  kind: BulletinMessage["kind"] | undefined;
  head: Uint8Array | undefined;
  signature: Uint8Array | undefined;
  state: BulletinState | undefined;
  id: Uint8Array | undefined;
  offset: number;
  bytes: Uint8Array | undefined;
  hosts: number;
  applied: number;
  readonly pending: string[];
  asks: boolean;
  deflated: number;
}

function readFields(bytes: Uint8Array): Fields | undefined {
  const fields: Fields = {
    kind: undefined,
    head: undefined,
    signature: undefined,
    state: undefined,
    id: undefined,
    offset: 0,
    bytes: undefined,
    hosts: 0,
    applied: 0,
    pending: [],
    asks: false,
    deflated: 0,
  };
  const reader = new ProtobufReader(bytes);
  while (reader.next()) {
    if (reader.field === Field.kind) fields.kind = KINDS[reader.uint32() - 1];
    else if (reader.field === Field.head) fields.head = reader.bytes();
    else if (reader.field === Field.signature) fields.signature = reader.bytes();
    else if (reader.field === Field.state) fields.state = STATES[reader.uint32() - 1];
    else if (reader.field === Field.id) fields.id = reader.bytes();
    else if (reader.field === Field.offset) fields.offset = reader.uint32();
    else if (reader.field === Field.bytes) fields.bytes = reader.bytes();
    else if (reader.field === Field.hosts) fields.hosts = reader.uint32();
    else if (reader.field === Field.applied) fields.applied = reader.uint32();
    else if (reader.field === Field.asks) fields.asks = reader.bool();
    else if (reader.field === Field.deflated) fields.deflated = reader.uint32();
    else if (reader.field === Field.pending) {
      const name = reader.text();
      if (name.length <= PENDING_NAME_CHARACTERS_MAX && fields.pending.length < PENDING_NAMES_MAX)
        fields.pending.push(name);
    }
  }
  return reader.failed ? undefined : fields;
}

function messageOf(fields: Fields): BulletinMessage | undefined {
  const { kind, head, signature, state, id, offset, bytes, hosts, applied, pending, asks, deflated } = fields;
  // What a later version calls by a name that is not known here is held, at least.
  if (kind === "have") return head && signature && { kind, head, signature, state: state ?? "held", asks };
  if (id?.length !== ID_BYTES) return undefined;
  switch (kind) {
    case "want":
      return { kind, id, offset, deflated: deflated !== 0 };
    case "piece":
      if (!bytes || bytes.length === 0 || bytes.length > PIECE_BYTES_MAX) return undefined;
      return { kind, id, offset, bytes, deflatedBytes: deflated === 0 ? undefined : deflated };
    case "who-has":
      return { kind, id };
    case "tally":
      return applied <= hosts ? { kind, id, hosts, applied, pending } : undefined;
    case undefined:
      return undefined;
  }
}

const Control = { bulletin: 19 } as const;
const Field = {
  kind: 1,
  head: 2,
  signature: 3,
  state: 4,
  id: 5,
  offset: 6,
  bytes: 7,
  hosts: 8,
  applied: 9,
  pending: 10,
  asks: 11,
  deflated: 12,
} as const;
const KINDS: readonly BulletinMessage["kind"][] = ["have", "want", "piece", "who-has", "tally"];
const STATES: readonly BulletinState[] = ["held", "applied", "refused"];
const ID_BYTES = 32;
