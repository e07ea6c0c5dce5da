import { ProtobufReader } from "../../../core/wire/protobuf.ts";
import type * as pb from "./generated/dataplane_pb.ts";

type WireEvent = pb.FromDataPlane["event"];

/**
 * Reads the event of a message that comes for each packet to the control plane, each handshake or each flow, field by field: the general way takes
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
    case 17: {
      const value = readFlowRecords(inner(reader));
      return value && { case: "flowRecords", value };
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

function readFlowRecords(reader: ProtobufReader): pb.FlowRecords | undefined {
  const value: pb.FlowRecords = { $typeName: "lacis.dataplane.FlowRecords", records: [], untold: 0n };
  while (reader.next()) {
    if (reader.field === 2) value.untold = reader.uint64();
    else if (reader.field === 1) {
      const record = readFlowRecord(inner(reader));
      if (!record) return undefined;
      value.records.push(record);
    } else return undefined;
  }
  return reader.failed ? undefined : value;
}

function readFlowRecord(reader: ProtobufReader): pb.FlowRecord | undefined {
  const value: pb.FlowRecord = {
    $typeName: "lacis.dataplane.FlowRecord",
    happening: 0,
    peer: EMPTY,
    reason: "",
    action: 0,
  };
  while (reader.next()) {
    if (reader.field === 1) value.happening = reader.uint32() as pb.FlowHappening;
    else if (reader.field === 3) value.peer = reader.bytes();
    else if (reader.field === 4) value.reason = reader.text();
    else if (reader.field === 5) value.action = reader.uint32() as pb.RefusalAction;
    else if (reader.field === 2 && !value.flow) {
      const flow = readFlow(inner(reader));
      if (!flow) return undefined;
      value.flow = flow;
    } else return undefined;
  }
  return reader.failed ? undefined : value;
}

function readFlow(reader: ProtobufReader): pb.Flow | undefined {
  const value: pb.Flow = {
    $typeName: "lacis.dataplane.Flow",
    localAddress: EMPTY,
    remoteAddress: EMPTY,
    localPort: 0,
    remotePort: 0,
    protocol: 0,
    inbound: false,
    policyId: 0,
    ruleId: 0,
    ageMs: 0n,
    idleMs: 0n,
    sentPackets: 0n,
    sentBytes: 0n,
    receivedPackets: 0n,
    receivedBytes: 0n,
  };
  while (reader.next()) {
    if (reader.field === 1) value.localAddress = reader.bytes();
    else if (reader.field === 2) value.remoteAddress = reader.bytes();
    else if (reader.field === 3) value.localPort = reader.uint32();
    else if (reader.field === 4) value.remotePort = reader.uint32();
    else if (reader.field === 5) value.protocol = reader.uint32();
    else if (reader.field === 6) value.inbound = reader.bool();
    else if (reader.field === 7) value.policyId = reader.uint32();
    else if (reader.field === 8) value.ruleId = reader.uint32();
    else if (reader.field === 9) value.ageMs = reader.uint64();
    else if (reader.field === 10) value.idleMs = reader.uint64();
    else if (reader.field === 11) value.sentPackets = reader.uint64();
    else if (reader.field === 12) value.sentBytes = reader.uint64();
    else if (reader.field === 13) value.receivedPackets = reader.uint64();
    else if (reader.field === 14) value.receivedBytes = reader.uint64();
    else return undefined;
  }
  return reader.failed ? undefined : value;
}

function inner(reader: ProtobufReader): ProtobufReader {
  return new ProtobufReader(reader.bytes());
}

const EMPTY: Uint8Array = new Uint8Array();
