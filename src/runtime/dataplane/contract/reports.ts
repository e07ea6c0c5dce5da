import { fromBinary } from "@bufbuild/protobuf";
import { toHex } from "../../../core/base/bytes.ts";
import type { Result } from "../../../core/base/result.ts";
import { CIPHERS, type Cipher } from "../../../core/crypto/suite.ts";
import type {
  ActivitySample,
  CapturedPacket,
  DataPlaneCounters,
  DataPlaneEvent,
  LocalIndex,
  PolicyId,
  Relay,
  RelayActivity,
  RemoteIndex,
  RuleCounter,
  SessionActivity,
  SessionSnapshot,
} from "../../../core/dataplane/contract.ts";
import type { Standing } from "../../../core/dataplane/standing.ts";
import type { DropReason } from "../../../core/drop-reason.ts";
import type { Endpoint } from "../../../core/netip/endpoint.ts";
import type { Prefix } from "../../../core/netip/prefix.ts";
import type { Route } from "../../../core/route/route.ts";
import type { Confinement } from "../../confinement.ts";
import { decoding } from "./decoding.ts";
import { readFlow, readFlowRecord, readFrequentFlowRecords } from "./flow-records.ts";
import { readFrequentEvent } from "./frequent-events.ts";
import * as pb from "./generated/dataplane_pb.ts";
import {
  ciphers,
  direction,
  present,
  readAction,
  readAddress,
  readEndpoint,
  readKnownPath,
  readKnownRelay,
  readOptionalAddress,
  readOptionalEndpoint,
  readPort,
  readPrefix,
  readReason,
  readRoute,
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

/** Answer to hello. `more`: another `ready` follows with the next sessions. */
export interface ReadyReport {
  readonly kind: "ready";
  /** The version in use; without a common one, the newest that the data plane speaks. */
  readonly contractVersion: number;
  /** The oldest that the data plane speaks. */
  readonly oldestVersion: number;
  readonly build: string;
  readonly capabilities: readonly string[];
  /** Empty from one that does not tell. */
  readonly ciphers: readonly CipherLibrary[];
  /** SHA-256 of the program that runs, in hexadecimal digits; empty from one that does not tell. */
  readonly program: string;
  /** How long it has run; 0 from one that does not tell. */
  readonly ageMs: number;
  readonly snapshot: DataPlaneSnapshot;
  readonly more: boolean;
}

/** Whose code does the work of a cipher. */
export interface CipherLibrary {
  readonly cipher: Cipher;
  readonly library: string;
}

/** What already runs in a data plane that is older than its control plane. */
export interface DataPlaneSnapshot {
  /** Undefined: no TUN device is open. */
  readonly tun: { readonly name: string; readonly mtu: number; readonly addresses: readonly Prefix[] } | undefined;
  /** Undefined: no socket is bound. */
  readonly udp: Endpoint | undefined;
  readonly sessions: readonly SessionSnapshot[];
  readonly relays: readonly Relay[];
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
  /** `more`: another sample tells of more sessions and rules. */
  | ({ readonly kind: "sampled"; readonly more: boolean } & ActivitySample)
  | ({ readonly kind: "confinement" } & Confinement)
  // Only from `--memory`. Undefined: no route at all.
  | { readonly kind: "routes-looked-up"; readonly routes: readonly (Route | undefined)[] };

/** Reads the message of a frame; undefined for an event of a later contract, which means nothing here. */
export function decodeFromDataPlane(message: Uint8Array): Result<DataPlaneReport | undefined, string> {
  return decoding(
    () =>
      readFrequentFlowRecords(message) ??
      readEvent(readFrequentEvent(message) ?? fromBinary(pb.FromDataPlaneSchema, message).event),
  );
}

type WireEvent = pb.FromDataPlane["event"];
type Report<Kind extends DataPlaneReport["kind"]> = Extract<DataPlaneReport, { kind: Kind }>;

function readEvent(event: WireEvent): DataPlaneReport | undefined {
  switch (event.case) {
    case undefined:
      return undefined;
    case "ready":
      return readReady(event.value);
    case "result":
      return readResult(event.value);
    case "datagram":
      return readDatagram(event.value);
    case "message": {
      const { type, subtype, body, heard } = event.value;
      return { kind: "message", localIndex: local(event.value), type, subtype, body, heard };
    }
    case "needSession":
      return { kind: "need-session", destination: readAddress(event.value.destination) };
    case "confirmed":
      return { kind: "confirmed", localIndex: local(event.value) };
    case "largeSent":
      return { kind: "large-sent", localIndex: local(event.value) };
    case "roamed":
      return readRoamed(event.value);
    case "counterHigh": {
      const { sendCounter, exhausted } = event.value;
      return { kind: "counter-high", localIndex: local(event.value), sendCounter, exhausted };
    }
    case "dropSample":
      return readDropSample(event.value);
    case "flowReport":
      return { kind: "flows", flows: event.value.flows.map(readFlow) };
    case "captured": {
      const { packets, lost } = event.value;
      return { kind: "captured", packets: packets.map(readCaptured), lost: Number(lost) };
    }
    case "flowRecords":
      return {
        kind: "flow-records",
        records: event.value.records.flatMap((record) => readFlowRecord(record) ?? []),
        untold: Number(event.value.untold),
      };
    case "pathReplied":
      return readPathReplied(event.value);
    case "silent":
      return { kind: "silent", localIndex: local(event.value), sinceMs: event.value.sinceMs };
    case "sendError":
      return { kind: "send-error", endpoint: readEndpoint(event.value.endpoint), error: event.value.error };
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

/** Somebody who is reached in a way that is not known here cannot be answered. */
function readDatagram({ origin, standing, datagram }: pb.Datagram): Report<"datagram"> | undefined {
  const known = readKnownPath(origin);
  return known && { kind: "datagram", origin: known, standing: readStanding(standing), datagram };
}

/** Whoever is not told apart, or in a way of a later version, is anybody. */
function readStanding(standing: pb.DatagramStanding): Standing {
  if (standing === pb.DatagramStanding.KNOWN) return "known";
  return standing === pb.DatagramStanding.REPEATED ? "repeated" : "first";
}

function readRoamed(event: pb.Roamed): Report<"roamed"> | undefined {
  const path = readKnownPath(event.path);
  return path && { kind: "roamed", localIndex: local(event), path };
}

function readPathReplied(event: pb.PathReplied): Report<"path-replied"> | undefined {
  const origin = readKnownPath(event.origin);
  return origin && { kind: "path-replied", localIndex: local(event), origin, token: event.token };
}

/** Version 1 named no oldest version: its range is the one version it named. */
function readReady({ contractVersion, build, capabilities, more, ...ready }: pb.Ready): ReadyReport {
  const oldestVersion = ready.oldestVersion || contractVersion;
  const libraries = ready.ciphers.flatMap(readCipherLibrary);
  const snapshot = readSnapshot(ready.snapshot);
  const about = { build, program: toHex(ready.program), ageMs: Number(ready.ageMs) };
  return { kind: "ready", contractVersion, oldestVersion, ...about, capabilities, ciphers: libraries, snapshot, more };
}

/** Nothing of a cipher that is not known here. */
function readCipherLibrary({ cipher, library }: pb.CipherLibrary): readonly CipherLibrary[] {
  const known = CIPHERS.find((name) => ciphers[name] === cipher);
  return known === undefined ? [] : [{ cipher: known, library }];
}

/** A control plane that finds another contract still has to be able to read its number: a missing snapshot is an empty one. */
function readSnapshot(snapshot: pb.Snapshot | undefined): DataPlaneSnapshot {
  if (!snapshot) return { tun: undefined, udp: undefined, sessions: [], relays: [] };
  const { tunName: name, tunMtu: mtu, tunAddresses } = snapshot;
  return {
    tun: name === "" ? undefined : { name, mtu, addresses: tunAddresses.map(readPrefix) },
    udp: readOptionalEndpoint(snapshot.udp),
    sessions: snapshot.sessions.map(readSession),
    relays: snapshot.relays.flatMap((relay) => readKnownRelay(relay) ?? []),
  };
}

function readSession(session: pb.SessionSnapshot): SessionSnapshot {
  const { confirmed, primary, sendCounter, memo } = session;
  return {
    localIndex: local(session),
    remoteIndex: session.remoteIndex as RemoteIndex,
    path: readKnownPath(session.path),
    peerAddresses: session.peerAddresses.map(readAddress),
    allowedPrefixes: session.allowedPrefixes.map(readPrefix),
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
      const { activity, counters, more, relays, rules } = value.value;
      return {
        kind: "sampled",
        activity: activity.map(readActivity),
        counters: readCounters(present(counters, "counters")),
        rules: rules.map(readRuleCounter),
        relays: relays.map(readRelayActivity),
        more,
      };
    }
    case "confinement": {
      const { holds, lacking, systemCalls } = value.value;
      return {
        kind: "confinement",
        holds,
        lacking: lacking.map(({ measure, why }) => ({ measure, why })),
        systemCalls: systemCalls === 0 ? undefined : systemCalls,
      };
    }
    case "routesLookedUp":
      return { kind: "routes-looked-up", routes: value.value.routes.map(readRoute) };
  }
}

function readActivity(session: pb.SessionActivity): SessionActivity {
  return {
    localIndex: local(session),
    received: session.received,
    sent: session.sent,
    receivedPackets: session.receivedPacketsTotal,
    receivedBytes: session.receivedBytesTotal,
    sentPackets: session.sentPacketsTotal,
    sentBytes: session.sentBytesTotal,
    keptAnswers: session.keptAnswers,
    keptAnswerBytes: session.keptAnswerBytes,
  };
}

function readRuleCounter({ policyId, inbound, ruleId, flows, packets, bytes }: pb.RuleCounter): RuleCounter {
  return { policyId: policyId as PolicyId, direction: direction(inbound), ruleId, flows, packets, bytes };
}

function readRelayActivity({ relayIndex, packetsTotal, bytesTotal }: pb.RelayActivity): RelayActivity {
  return { relayIndex, packets: packetsTotal, bytes: bytesTotal };
}

function readCaptured({ packet, length, inbound, refused, agoMs, localIndex }: pb.CapturedPacket): CapturedPacket {
  return {
    packet,
    length,
    inbound,
    refused: refused === "" ? undefined : readReason(refused),
    localIndex: localIndex === 0 ? undefined : (localIndex as LocalIndex),
    agoMs: Number(agoMs),
  };
}

function readCounters({
  $typeName: _name,
  $unknown: _unknown,
  drops: named,
  ...counts
}: pb.Counters): DataPlaneCounters {
  const drops = new Map<DropReason, bigint>();
  for (const { name, count } of named) {
    const reason = readReason(name);
    drops.set(reason, (drops.get(reason) ?? 0n) + count);
  }
  return { ...counts, drops };
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
    origin: readKnownPath(value.origin),
    action: readAction(value.action),
  };
}

function local({ localIndex }: { readonly localIndex: number }): LocalIndex {
  return localIndex as LocalIndex;
}
