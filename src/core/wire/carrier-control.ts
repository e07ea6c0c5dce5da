import { ProtobufReader, ProtobufWriter } from "./protobuf.ts";

// A message of ours among the control messages, to hosts that carry datagrams over TCP only. Its fields have numbers that NebulaControl
// (protocol 7.2) does not have:
//
//   16 kind   17 binding of the TLS connection

/**
 * What the two ends of a TCP connection say to each other inside a session, so that both know that nobody stands between them: whoever has dialled
 * claims that the session's host is at the other end, and the other one confirms it, or denies it when he has no such connection.
 */
export interface CarrierControl {
  readonly kind: "claim" | "confirm" | "deny";
  /** Keying material that TLS exports to both ends of one connection, and to nobody else (RFC 8446 7.5). */
  readonly binding: Uint8Array;
}

/** Bytes of a binding. */
export const BINDING_BYTES = 32;

/** Undefined when it is another message. */
export function decodeCarrierControl(bytes: Uint8Array): CarrierControl | undefined {
  const reader = new ProtobufReader(bytes);
  let kind: CarrierControl["kind"] | undefined;
  let binding: Uint8Array | undefined;
  while (reader.next()) {
    if (reader.field === Field.kind) kind = KINDS[reader.uint32() - 1];
    else if (reader.field === Field.binding) binding = reader.bytes();
  }
  if (reader.failed || !kind || binding?.length !== BINDING_BYTES) return undefined;
  return { kind, binding };
}

export function encodeCarrierControl({ kind, binding }: CarrierControl): Uint8Array {
  return new ProtobufWriter()
    .varint(Field.kind, KINDS.indexOf(kind) + 1)
    .bytes(Field.binding, binding)
    .finish();
}

const Field = { kind: 16, binding: 17 } as const;
const KINDS = ["claim", "confirm", "deny"] as const;
