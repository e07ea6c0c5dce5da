import { ProtobufReader } from "../../../core/wire/protobuf.ts";
import type * as pb from "./generated/dataplane_pb.ts";

type WireEvent = pb.FromDataPlane["event"];

/**
 * Reads the event of a message that comes for each packet to the control plane or each handshake, field by field: the general way takes
 * several times as long. Undefined for what is rare, or written in another way than data planes of this contract do; else what the general way reads.
 */
export function readFrequentEvent(message: Uint8Array): WireEvent | undefined {
  const reader = new ProtobufReader(message);
  if (!reader.next()) return undefined;
  const event = readEvent(reader);
  // Of several events the general way knows which one counts.
  return reader.next() || reader.failed ? undefined : event;
}

function readEvent(reader: ProtobufReader): WireEvent | undefined {
  switch (reader.field) {
    case 3: {
      const value = readDatagram(inner(reader));
      return value && { case: "datagram", value };
    }
    case 4: {
      const value = readMessage(inner(reader));
      return value && { case: "message", value };
    }
    case 6: {
      const value = readConfirmed(inner(reader));
      return value && { case: "confirmed", value };
    }
    default:
      return undefined;
  }
}

function readDatagram(reader: ProtobufReader): pb.Datagram | undefined {
  const value: pb.Datagram = { $typeName: "lacis.dataplane.Datagram", datagram: EMPTY, standing: 0 };
  while (reader.next()) {
    if (reader.field === 2) value.datagram = reader.bytes();
    else if (reader.field === 4) value.standing = reader.uint32() as pb.DatagramStanding;
    else if (reader.field === 3 && !value.origin) {
      const origin = readDirectPath(inner(reader));
      if (!origin) return undefined;
      value.origin = origin;
    } else return undefined;
  }
  return reader.failed ? undefined : value;
}

function readDirectPath(reader: ProtobufReader): pb.Path | undefined {
  if (!reader.next() || reader.field !== 1) return undefined;
  const value = readEndpoint(inner(reader));
  if (!value || reader.next() || reader.failed) return undefined;
  return { $typeName: "lacis.dataplane.Path", way: { case: "direct", value } };
}

function readEndpoint(reader: ProtobufReader): pb.Endpoint | undefined {
  const value: pb.Endpoint = { $typeName: "lacis.dataplane.Endpoint", address: EMPTY, port: 0 };
  while (reader.next()) {
    if (reader.field === 1) value.address = reader.bytes();
    else if (reader.field === 2) value.port = reader.uint32();
    else return undefined;
  }
  return reader.failed ? undefined : value;
}

function readMessage(reader: ProtobufReader): pb.Message | undefined {
  const [type, subtype, body, heard] = [0, 0, EMPTY, 0];
  const value: pb.Message = { $typeName: "lacis.dataplane.Message", localIndex: 0, type, subtype, body, heard };
  while (reader.next()) {
    if (reader.field === 1) value.localIndex = reader.uint32();
    else if (reader.field === 2) value.type = reader.uint32();
    else if (reader.field === 3) value.subtype = reader.uint32();
    else if (reader.field === 4) value.body = reader.bytes();
    else if (reader.field === 5) value.heard = reader.uint32();
    else return undefined;
  }
  return reader.failed ? undefined : value;
}

function readConfirmed(reader: ProtobufReader): pb.Confirmed | undefined {
  const value: pb.Confirmed = { $typeName: "lacis.dataplane.Confirmed", localIndex: 0 };
  while (reader.next()) {
    if (reader.field !== 1) return undefined;
    value.localIndex = reader.uint32();
  }
  return reader.failed ? undefined : value;
}

function inner(reader: ProtobufReader): ProtobufReader {
  return new ProtobufReader(reader.bytes());
}

const EMPTY: Uint8Array = new Uint8Array();
