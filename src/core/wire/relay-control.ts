import { fail, ok, type Result } from "../base/result.ts";
import type { CertificateVersion } from "../cert/certificate.ts";
import { familyOf, type IpAddress, v4FromNumber } from "../netip/address.ts";
import { decodeAddress, encodeAddress, isUsable, v4ToNumber } from "./overlay-address.ts";
import { ProtobufReader, ProtobufWriter } from "./protobuf.ts";

// NebulaControl (protocol 7.2):
//
//   1 type   2 initiator index   3 responder index   4, 5 to and from in dialect 1   6, 7 to and from in dialect 2

/**
 * What two hosts say to each other about one leg of a relayed way. "Initiator" is who asks on this leg and "responder" who answers, wherever the
 * wish came from; the indexes are those by which they know the leg. `from` wants to reach `to`.
 */
export type RelayControl = RelayRequest | RelayResponse;

export interface RelayRequest extends Ends {
  readonly kind: "request";
  readonly initiatorIndex: number;
}

export interface RelayResponse extends Ends {
  readonly kind: "response";
  readonly initiatorIndex: number;
  readonly responderIndex: number;
}

interface Ends {
  readonly from: IpAddress;
  readonly to: IpAddress;
}

/** Reads a message; an answer to it has to speak the same dialect. */
export function decodeRelayControl(
  bytes: Uint8Array,
): Result<{ readonly message: RelayControl; readonly dialect: CertificateVersion }, string> {
  const fields = readFields(bytes);
  if (!fields) return fail("the relay message is not well formed");
  const { type, initiatorIndex, responderIndex, oldTo, oldFrom } = fields;
  const dialect = oldTo !== 0 || oldFrom !== 0 ? 1 : 2;
  const to = dialect === 1 ? v4FromNumber(oldTo) : fields.to && decodeAddress(fields.to);
  const from = dialect === 1 ? v4FromNumber(oldFrom) : fields.from && decodeAddress(fields.from);
  if (!isUsable(to) || !isUsable(from)) return fail("the relay message does not name both ends");
  // 0 is no index, and also what a missing one looks like.
  if (initiatorIndex === 0) return fail("the relay message has no index");
  if (type === ControlType.request) return ok({ message: { kind: "request", initiatorIndex, from, to }, dialect });
  if (type !== ControlType.response) return fail("the relay message is of a kind that does not exist");
  if (responderIndex === 0) return fail("the relay message has no index of who answers");
  return ok({ message: { kind: "response", initiatorIndex, responderIndex, from, to }, dialect });
}

/** The bytes of a message; undefined when this dialect cannot say it: v1 has no IPv6 addresses. */
export function encodeRelayControl(message: RelayControl, dialect: CertificateVersion): Uint8Array | undefined {
  const { kind, initiatorIndex, from, to } = message;
  if (dialect === 1 && (familyOf(from) === 6 || familyOf(to) === 6)) return undefined;
  const writer = new ProtobufWriter()
    .varint(Control.type, ControlType[kind])
    .varint(Control.initiatorIndex, initiatorIndex)
    .varint(Control.responderIndex, kind === "response" ? message.responderIndex : 0);
  if (dialect === 1)
    return writer.varint(Control.oldTo, v4ToNumber(to)).varint(Control.oldFrom, v4ToNumber(from)).finish();
  return writer.message(Control.to, encodeAddress(to)).message(Control.from, encodeAddress(from)).finish();
}

const Control = { type: 1, initiatorIndex: 2, responderIndex: 3, oldTo: 4, oldFrom: 5, to: 6, from: 7 } as const;

const ControlType = { request: 1, response: 2 } as const;

interface Fields {
  type: number;
  initiatorIndex: number;
  responderIndex: number;
  oldTo: number;
  oldFrom: number;
  to: Uint8Array | undefined;
  from: Uint8Array | undefined;
}

function readFields(bytes: Uint8Array): Fields | undefined {
  const fields: Fields = {
    type: 0,
    initiatorIndex: 0,
    responderIndex: 0,
    oldTo: 0,
    oldFrom: 0,
    to: undefined,
    from: undefined,
  };
  const reader = new ProtobufReader(bytes);
  while (reader.next()) {
    if (reader.field === Control.type) fields.type = reader.uint32();
    else if (reader.field === Control.initiatorIndex) fields.initiatorIndex = reader.uint32();
    else if (reader.field === Control.responderIndex) fields.responderIndex = reader.uint32();
    else if (reader.field === Control.oldTo) fields.oldTo = reader.uint32();
    else if (reader.field === Control.oldFrom) fields.oldFrom = reader.uint32();
    else if (reader.field === Control.to) fields.to = reader.bytes();
    else if (reader.field === Control.from) fields.from = reader.bytes();
  }
  return reader.failed ? undefined : fields;
}
