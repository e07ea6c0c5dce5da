import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { fromHex } from "../../src/core/base/bytes.ts";
import type { Result } from "../../src/core/base/result.ts";
import type { Flow, FlowRecord } from "../../src/core/dataplane/contract.ts";
import { addressBytes, type IpAddress } from "../../src/core/netip/address.ts";
import type {
  DataPlaneReport,
  ReadyReport,
  ResultReport,
  ResultValue,
} from "../../src/runtime/dataplane/contract/codec.ts";
import { frameOf } from "../../src/runtime/dataplane/contract/frame.ts";
import * as pb from "../../src/runtime/dataplane/contract/generated/dataplane_pb.ts";
import {
  ciphers,
  refusalActions,
  writeEndpoint,
  writeOptionalPath,
  writePath,
  writePrefix,
  writeRelay,
  writeRoute,
} from "../../src/runtime/dataplane/contract/values.ts";

// The data plane's half of the contract, for tests that stand in for one: what it says.

/** The frame of a report. Fails only when it is too long for a frame. */
export function encodeFromDataPlane(report: DataPlaneReport): Result<Uint8Array, string> {
  const message = create(pb.FromDataPlaneSchema, { event: writeEvent(report) });
  return frameOf(toBinary(pb.FromDataPlaneSchema, message));
}

type WireEventInit = NonNullable<MessageInitShape<typeof pb.FromDataPlaneSchema>["event"]>;

function writeEvent(report: DataPlaneReport): WireEventInit {
  switch (report.kind) {
    case "ready":
      return { case: "ready", value: writeReady(report) };
    case "result":
      return { case: "result", value: writeResult(report) };
    case "datagram":
      return {
        case: "datagram",
        value: { origin: writePath(report.origin), standing: standings[report.standing], datagram: report.datagram },
      };
    case "message": {
      const { localIndex, type, subtype, body, heard = 0 } = report;
      return { case: "message", value: { localIndex, type, subtype, body, heard } };
    }
    case "need-session":
      return { case: "needSession", value: { destination: addressBytes(report.destination) } };
    case "large-sent":
      return { case: "largeSent", value: { localIndex: report.localIndex } };
    case "confirmed":
      return { case: "confirmed", value: { localIndex: report.localIndex } };
    case "roamed":
      return { case: "roamed", value: { localIndex: report.localIndex, path: writePath(report.path) } };
    case "counter-high": {
      const { localIndex, sendCounter, exhausted } = report;
      return { case: "counterHigh", value: { localIndex, sendCounter, exhausted } };
    }
    case "drop-sample":
      return { case: "dropSample", value: writeDropSample(report) };
    case "flows":
      return { case: "flowReport", value: { flows: report.flows.map(writeFlow) } };
    case "captured": {
      const { packets, lost } = report;
      const written = packets.map(({ refused = "", localIndex, agoMs, ...packet }) => {
        return { ...packet, refused, localIndex: localIndex ?? 0, agoMs: BigInt(agoMs) };
      });
      return { case: "captured", value: { packets: written, lost: BigInt(lost) } };
    }
    case "flow-records": {
      const { records, untold } = report;
      return { case: "flowRecords", value: { records: records.map(writeFlowRecord), untold: BigInt(untold) } };
    }
    case "path-replied": {
      const { localIndex, origin, token } = report;
      return { case: "pathReplied", value: { localIndex, origin: writePath(origin), token } };
    }
    case "silent":
      return { case: "silent", value: { localIndex: report.localIndex, sinceMs: report.sinceMs } };
    case "send-error":
      return { case: "sendError", value: { endpoint: writeEndpoint(report.endpoint), error: report.error } };
    case "socket-error":
      return { case: "socketError", value: { error: report.error } };
    case "device-error":
      return { case: "deviceError", value: { error: report.error } };
    case "tun-out":
      return { case: "tunOut", value: { packet: report.packet } };
    case "udp-out":
      return { case: "udpOut", value: { to: writeEndpoint(report.to), datagram: report.datagram } };
    case "quiet":
      return { case: "quiet", value: { requestId: report.requestId } };
  }
}

const standings = {
  known: pb.DatagramStanding.KNOWN,
  repeated: pb.DatagramStanding.REPEATED,
  first: pb.DatagramStanding.FIRST,
} as const;

type ReportOf<Kind extends DataPlaneReport["kind"]> = Extract<DataPlaneReport, { kind: Kind }>;

function writeReady({
  contractVersion,
  oldestVersion,
  build,
  capabilities,
  ciphers: libraries,
  program,
  ageMs,
  snapshot,
  more,
}: ReadyReport): MessageInitShape<typeof pb.ReadySchema> {
  const tun = snapshot.tun && {
    tunName: snapshot.tun.name,
    tunMtu: snapshot.tun.mtu,
    tunAddresses: snapshot.tun.addresses.map(writePrefix),
  };
  const sessions = snapshot.sessions.map((session) => ({
    localIndex: session.localIndex,
    remoteIndex: session.remoteIndex,
    ...writeOptionalPath("path", session.path),
    peerAddresses: session.peerAddresses.map(addressBytes),
    allowedPrefixes: session.allowedPrefixes.map(writePrefix),
    confirmed: session.confirmed,
    primary: session.primary,
    sendCounter: session.sendCounter,
    memo: session.memo,
  }));
  const relays = snapshot.relays.map(writeRelay);
  return {
    contractVersion,
    oldestVersion,
    build,
    capabilities: [...capabilities],
    ciphers: libraries.map(({ cipher, library }) => ({ cipher: ciphers[cipher], library })),
    program: fromHex(program) ?? new Uint8Array(),
    ageMs: BigInt(ageMs),
    snapshot: { ...tun, ...(snapshot.udp && { udp: writeEndpoint(snapshot.udp) }), sessions, relays },
    more,
  };
}

function writeResult({ requestId, code, error, value }: ResultReport): MessageInitShape<typeof pb.ResultSchema> {
  switch (value?.kind) {
    case undefined:
      return { requestId, code, error };
    case "tun-opened":
      return { requestId, code, error, value: { case: "tunOpened", value: { name: value.name } } };
    case "confinement": {
      const { holds, lacking, systemCalls = 0 } = value;
      const confinement = { holds: [...holds], lacking: [...lacking], systemCalls };
      return { requestId, code, error, value: { case: "confinement", value: confinement } };
    }
    case "udp-opened":
      return { requestId, code, error, value: { case: "udpOpened", value: { bound: writeEndpoint(value.bound) } } };
    case "sampled":
      return { requestId, code, error, value: { case: "sampled", value: writeSample(value) } };
    case "routes-looked-up": {
      const routes = value.routes.map((route) => (route ? writeRoute(route) : {}));
      return { requestId, code, error, value: { case: "routesLookedUp", value: { routes } } };
    }
  }
}

function writeSample({
  activity,
  counters,
  rules,
  relays,
  more,
}: Extract<ResultValue, { kind: "sampled" }>): MessageInitShape<typeof pb.SampledSchema> {
  return {
    activity: activity.map((session) => ({
      localIndex: session.localIndex,
      received: session.received,
      sent: session.sent,
      receivedPacketsTotal: session.receivedPackets,
      receivedBytesTotal: session.receivedBytes,
      sentPacketsTotal: session.sentPackets,
      sentBytesTotal: session.sentBytes,
      keptAnswers: session.keptAnswers,
      keptAnswerBytes: session.keptAnswerBytes,
    })),
    counters: { ...counters, drops: [...counters.drops].map(([name, count]) => ({ name, count })) },
    rules: rules.map(({ policyId, direction, ruleId, flows, packets, bytes }) => ({
      policyId,
      inbound: direction === "inbound",
      ruleId,
      flows,
      packets,
      bytes,
    })),
    relays: relays.map(({ relayIndex, packets, bytes }) => ({
      relayIndex,
      packetsTotal: packets,
      bytesTotal: bytes,
    })),
    more,
  };
}

function writeFlow({ direction, ...flow }: Flow): MessageInitShape<typeof pb.FlowSchema> {
  return {
    ...flow,
    localAddress: addressBytes(flow.localAddress),
    remoteAddress: addressBytes(flow.remoteAddress),
    inbound: direction === "inbound",
    ageMs: BigInt(flow.ageMs),
    idleMs: BigInt(flow.idleMs),
  };
}

function writeFlowRecord(record: FlowRecord): MessageInitShape<typeof pb.FlowRecordSchema> {
  const happenings = {
    begun: pb.FlowHappening.BEGUN,
    ended: pb.FlowHappening.ENDED,
    refused: pb.FlowHappening.REFUSED,
  };
  const told = {
    happening: happenings[record.happening],
    flow: writeFlow(record.flow),
    ...(record.peer !== undefined && { peer: addressBytes(record.peer) }),
  };
  if (record.happening === "ended") return { ...told, reason: record.end };
  if (record.happening === "begun") return told;
  return { ...told, reason: record.reason, action: refusalActions[record.action] };
}

function writeDropSample(report: ReportOf<"drop-sample">): MessageInitShape<typeof pb.DropSampleSchema> {
  const { reason, inbound, protocol, localPort, remotePort } = report;
  return {
    reason,
    inbound,
    protocol,
    localPort,
    remotePort,
    localAddress: writeOptionalAddress(report.localAddress),
    remoteAddress: writeOptionalAddress(report.remoteAddress),
    localIndex: report.localIndex ?? 0,
    ...writeOptionalPath("origin", report.origin),
    action: refusalActions[report.action],
  };
}

function writeOptionalAddress(address: IpAddress | undefined): Uint8Array {
  return address === undefined ? new Uint8Array() : addressBytes(address);
}
