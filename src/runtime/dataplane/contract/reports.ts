import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { Result } from "../../../core/base/result.ts";
import type {
  ActivitySample,
  DataPlaneCounters,
  DataPlaneEvent,
  LocalIndex,
  RemoteIndex,
  SessionSnapshot,
} from "../../../core/dataplane/contract.ts";
import { DropReason } from "../../../core/drop-reason.ts";
import { addressBytes } from "../../../core/netip/address.ts";
import type { Endpoint } from "../../../core/netip/endpoint.ts";
import type { Prefix } from "../../../core/netip/prefix.ts";
import { decoding } from "./decoding.ts";
import { frameOf } from "./frame.ts";
import * as pb from "./generated/dataplane_pb.ts";
import {
  Malformed,
  present,
  readAddress,
  readEndpoint,
  readOptionalAddress,
  readOptionalEndpoint,
  readPort,
  readPrefix,
  writeEndpoint,
  writeOptionalAddress,
  writeOptionalEndpoint,
  writePrefix,
} from "./values.ts";

/** Everything that a data plane says to its control plane. */
export type DataPlaneReport =
  | Exclude<DataPlaneEvent, { kind: "sampled" | "command-failed" }>
  | ReadyReport
  | ResultReport
  | { readonly kind: "socket-error"; readonly error: string }
  | { readonly kind: "device-error"; readonly error: string }
  // The rest comes from `lacis-dataplane --memory` only.
  | { readonly kind: "tun-out"; readonly packet: Uint8Array }
  | { readonly kind: "udp-out"; readonly to: Endpoint; readonly datagram: Uint8Array }
  | { readonly kind: "quiet"; readonly requestId: bigint };

/** Answer to hello. `more`: another `ready` follows with the next tunnels. */
export interface ReadyReport {
  readonly kind: "ready";
  readonly contractVersion: number;
  readonly build: string;
  readonly capabilities: readonly string[];
  readonly snapshot: DataPlaneSnapshot;
  readonly more: boolean;
}

/** What already runs in a data plane that is older than its control plane. */
export interface DataPlaneSnapshot {
  /** Undefined: no TUN device is open. */
  readonly tun: { readonly name: string; readonly mtu: number; readonly addresses: readonly Prefix[] } | undefined;
  /** Undefined: no socket is bound. */
  readonly udp: Endpoint | undefined;
  readonly tunnels: readonly SessionSnapshot[];
}

/** Answer to a request. `code` "" on success; else one of dataplane.proto's, with one sentence. */
export interface ResultReport {
  readonly kind: "result";
  readonly requestId: bigint;
  readonly code: string;
  readonly error: string;
  readonly value: ResultValue | undefined;
}

export type ResultValue =
  | { readonly kind: "tun-opened"; readonly name: string }
  | { readonly kind: "udp-opened"; readonly bound: Endpoint }
  /** `more`: another sample tells of more tunnels. */
  | ({ readonly kind: "sampled"; readonly more: boolean } & ActivitySample);

/** The frame of a report: the data plane's side. Fails only when it is too long for a frame. */
export function encodeFromDataPlane(report: DataPlaneReport): Result<Uint8Array, string> {
  const message = create(pb.FromDataPlaneSchema, { event: writeEvent(report) });
  return frameOf(toBinary(pb.FromDataPlaneSchema, message));
}

/** Reads the message of a frame. */
export function decodeFromDataPlane(message: Uint8Array): Result<DataPlaneReport, string> {
  return decoding(() => readEvent(fromBinary(pb.FromDataPlaneSchema, message).event));
}

type WireEvent = pb.FromDataPlane["event"];
type WireEventInit = NonNullable<MessageInitShape<typeof pb.FromDataPlaneSchema>["event"]>;

function writeEvent(report: DataPlaneReport): WireEventInit {
  switch (report.kind) {
    case "ready":
      return { case: "ready", value: writeReady(report) };
    case "result":
      return { case: "result", value: writeResult(report) };
    case "datagram":
      return { case: "datagram", value: { source: writeEndpoint(report.source), datagram: report.datagram } };
    case "message": {
      const { localIndex, type, subtype, body } = report;
      return { case: "message", value: { localIndex, type, subtype, body } };
    }
    case "need-session":
      return { case: "needSession", value: { destination: addressBytes(report.destination) } };
    case "confirmed":
      return { case: "confirmed", value: { localIndex: report.localIndex } };
    case "roamed":
      return { case: "roamed", value: { localIndex: report.localIndex, path: writeEndpoint(report.path) } };
    case "counter-high": {
      const { localIndex, sendCounter, exhausted } = report;
      return { case: "counterHigh", value: { localIndex, sendCounter, exhausted } };
    }
    case "drop-sample":
      return { case: "dropSample", value: writeDropSample(report) };
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

type Report<Kind extends DataPlaneReport["kind"]> = Extract<DataPlaneReport, { kind: Kind }>;

function writeReady({
  contractVersion,
  build,
  capabilities,
  snapshot,
  more,
}: ReadyReport): MessageInitShape<typeof pb.ReadySchema> {
  const tun = snapshot.tun && {
    tunName: snapshot.tun.name,
    tunMtu: snapshot.tun.mtu,
    tunAddresses: snapshot.tun.addresses.map(writePrefix),
  };
  const tunnels = snapshot.tunnels.map((tunnel) => ({
    localIndex: tunnel.localIndex,
    remoteIndex: tunnel.remoteIndex,
    ...writeOptionalEndpoint("path", tunnel.path),
    peerAddresses: tunnel.peerAddresses.map(addressBytes),
    confirmed: tunnel.confirmed,
    primary: tunnel.primary,
    sendCounter: tunnel.sendCounter,
    memo: tunnel.memo,
  }));
  return {
    contractVersion,
    build,
    capabilities: [...capabilities],
    snapshot: { ...tun, ...writeOptionalEndpoint("udp", snapshot.udp), sessions: tunnels },
    more,
  };
}

function writeResult({ requestId, code, error, value }: ResultReport): MessageInitShape<typeof pb.ResultSchema> {
  switch (value?.kind) {
    case undefined:
      return { requestId, code, error };
    case "tun-opened":
      return { requestId, code, error, value: { case: "tunOpened", value: { name: value.name } } };
    case "udp-opened":
      return { requestId, code, error, value: { case: "udpOpened", value: { bound: writeEndpoint(value.bound) } } };
    case "sampled":
      return { requestId, code, error, value: { case: "sampled", value: writeSample(value) } };
  }
}

function writeSample({
  activity,
  counters,
  more,
}: Extract<ResultValue, { kind: "sampled" }>): MessageInitShape<typeof pb.SampledSchema> {
  return {
    activity: activity.map((tunnel) => ({
      localIndex: tunnel.localIndex,
      received: tunnel.received,
      sent: tunnel.sent,
      receivedPacketsTotal: tunnel.receivedPackets,
      receivedBytesTotal: tunnel.receivedBytes,
      sentPacketsTotal: tunnel.sentPackets,
      sentBytesTotal: tunnel.sentBytes,
    })),
    counters: { ...counters, drops: [...counters.drops].map(([name, count]) => ({ name, count })) },
    more,
  };
}

function writeDropSample(report: Report<"drop-sample">): MessageInitShape<typeof pb.DropSampleSchema> {
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
    ...writeOptionalEndpoint("source", report.source),
  };
}

function readEvent(event: WireEvent): DataPlaneReport {
  switch (event.case) {
    case undefined:
      throw new Malformed("no event, or one of a later contract");
    case "ready":
      return readReady(event.value);
    case "result":
      return readResult(event.value);
    case "datagram":
      return { kind: "datagram", source: readEndpoint(event.value.source), datagram: event.value.datagram };
    case "message": {
      const { type, subtype, body } = event.value;
      return { kind: "message", localIndex: local(event.value), type, subtype, body };
    }
    case "needSession":
      return { kind: "need-session", destination: readAddress(event.value.destination) };
    case "confirmed":
      return { kind: "confirmed", localIndex: local(event.value) };
    case "roamed":
      return { kind: "roamed", localIndex: local(event.value), path: readEndpoint(event.value.path) };
    case "counterHigh": {
      const { sendCounter, exhausted } = event.value;
      return { kind: "counter-high", localIndex: local(event.value), sendCounter, exhausted };
    }
    case "dropSample":
      return readDropSample(event.value);
    case "socketError":
      return { kind: "socket-error", error: event.value.error };
    case "deviceError":
      return { kind: "device-error", error: event.value.error };
    case "tunOut":
      return { kind: "tun-out", packet: event.value.packet };
    case "udpOut":
      return { kind: "udp-out", to: readEndpoint(event.value.to), datagram: event.value.datagram };
    case "quiet":
      return { kind: "quiet", requestId: event.value.requestId };
  }
}

function readReady({ contractVersion, build, capabilities, snapshot, more }: pb.Ready): ReadyReport {
  return { kind: "ready", contractVersion, build, capabilities, snapshot: readSnapshot(snapshot), more };
}

/** A control plane that finds another contract still has to be able to read its number: a missing snapshot is an empty one. */
function readSnapshot(snapshot: pb.Snapshot | undefined): DataPlaneSnapshot {
  if (!snapshot) return { tun: undefined, udp: undefined, tunnels: [] };
  const { tunName: name, tunMtu: mtu, tunAddresses } = snapshot;
  return {
    tun: name === "" ? undefined : { name, mtu, addresses: tunAddresses.map(readPrefix) },
    udp: readOptionalEndpoint(snapshot.udp),
    tunnels: snapshot.sessions.map(readTunnel),
  };
}

function readTunnel(tunnel: pb.SessionSnapshot): SessionSnapshot {
  const { confirmed, primary, sendCounter, memo } = tunnel;
  return {
    localIndex: local(tunnel),
    remoteIndex: tunnel.remoteIndex as RemoteIndex,
    path: readOptionalEndpoint(tunnel.path),
    peerAddresses: tunnel.peerAddresses.map(readAddress),
    confirmed,
    primary,
    sendCounter,
    memo,
  };
}

function readResult({ requestId, code, error, value }: pb.Result): ResultReport {
  return { kind: "result", requestId, code, error, value: readResultValue(value) };
}

function readResultValue(value: pb.Result["value"]): ResultValue | undefined {
  switch (value.case) {
    case undefined:
      return undefined;
    case "tunOpened":
      return { kind: "tun-opened", name: value.value.name };
    case "udpOpened":
      return { kind: "udp-opened", bound: readEndpoint(value.value.bound) };
    case "sampled": {
      const { activity, counters, more } = value.value;
      const tunnels = activity.map((tunnel) => ({
        localIndex: local(tunnel),
        received: tunnel.received,
        sent: tunnel.sent,
        receivedPackets: tunnel.receivedPacketsTotal,
        receivedBytes: tunnel.receivedBytesTotal,
        sentPackets: tunnel.sentPacketsTotal,
        sentBytes: tunnel.sentBytesTotal,
      }));
      return { kind: "sampled", activity: tunnels, counters: readCounters(present(counters, "counters")), more };
    }
  }
}

function readCounters(counters: pb.Counters): DataPlaneCounters {
  const { tunReadPackets, tunWrittenPackets, udpReceivedDatagrams, udpSentDatagrams, flows, parked } = counters;
  const drops = new Map(counters.drops.map(({ name, count }) => [readReason(name), count]));
  return { drops, tunReadPackets, tunWrittenPackets, udpReceivedDatagrams, udpSentDatagrams, flows, parked };
}

function readDropSample(value: pb.DropSample): Report<"drop-sample"> {
  return {
    kind: "drop-sample",
    reason: readReason(value.reason),
    inbound: value.inbound,
    localAddress: readOptionalAddress(value.localAddress),
    remoteAddress: readOptionalAddress(value.remoteAddress),
    protocol: value.protocol,
    localPort: readPort(value.localPort),
    remotePort: readPort(value.remotePort),
    localIndex: value.localIndex === 0 ? undefined : local(value),
    source: readOptionalEndpoint(value.source),
  };
}

function readReason(name: string): DropReason {
  const reason = Object.values(DropReason).find((known) => known === name);
  if (!reason) throw new Malformed("a drop reason that is not on the list");
  return reason;
}

function local({ localIndex }: { readonly localIndex: number }): LocalIndex {
  return localIndex as LocalIndex;
}
