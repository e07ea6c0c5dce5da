import type { NodeStatus, PeerStatus, RelayedPair } from "../core/io.ts";
import type { BulletinStatus } from "../core/machine/bulletins/status.ts";
import type { GatewayState, RouteStatus } from "../core/machine/gateways/route-status.ts";
import { formatPrefix } from "../core/netip/prefix.ts";
import type { WhyRelayed } from "../core/operator/failure.ts";
import { troubleText } from "../core/operator/failure-text.ts";
import type { CarrierDescription } from "../runtime/carrier/carrier-service.ts";
import type { DataPlaneDescription } from "../runtime/dataplane/data-plane.ts";
import type { GuardDescription } from "../runtime/guard/guard.ts";
import type { Health } from "../runtime/service.ts";
import type { DaemonFacts } from "./daemon-facts.ts";
import { healthOf, worst } from "./health/health.ts";
import { atOnce, type HealthReport } from "./health/history.ts";
import { asked, foremost, type PeerQuery } from "./peer-query.ts";
import type { ProcessReport } from "./process-report.ts";
import { ADMIN_SCHEMA } from "./protocol.ts";
import { type TranslatorReport, translatorReport } from "./translator-report.ts";

/** `lacis status --json`. Field names are promised stable (docs/CLI.md). Times are ISO 8601, durations milliseconds. */
export interface StatusReport {
  readonly schema: typeof ADMIN_SCHEMA;
  readonly host: {
    readonly name: string;
    readonly addresses: readonly string[];
    readonly groups: readonly string[];
    readonly amLighthouse: boolean;
    readonly cipher: string;
    /** Longest packet of the device. */
    readonly mtu: number;
    readonly nat: TranslatorReport & { readonly seenAt: readonly string[] };
    readonly certificate: CertificateReport;
  };
  readonly lighthouses: readonly { readonly name: string | null; readonly address: string; readonly up: boolean }[];
  readonly peers: readonly PeerReport[];
  /** Of the peers that were asked for, those that were left out because there are too many. */
  readonly peersOmitted: number;
  /** All peers, whoever was asked for. */
  readonly peersByState: Readonly<Record<PeerStatus["state"], number>>;
  /** What the authorities have told everybody, and who has applied it. */
  readonly bulletins: readonly BulletinStatus[];
  /** Networks behind other hosts, and how the gateways to them are. */
  readonly routes: readonly RouteReport[];
  readonly dataPlane: DataPlaneStatus;
  /** Hosts that find each other through this one. */
  readonly relayed: readonly RelayedPair[];
  /** Connections over TCP, for hosts whose UDP is blocked. */
  readonly carriers: CarrierDescription;
  /** What keeps packets of the overlay off every way but the device; null on a host without one. */
  readonly guard: GuardDescription | null;
  readonly counters: {
    readonly tunReadPackets: number;
    readonly tunWrittenPackets: number;
    readonly udpReceivedDatagrams: number;
    readonly udpSentDatagrams: number;
    readonly flows: number;
    readonly parked: number;
    /** Dropped packets by reason. */
    readonly drops: Readonly<Record<string, number>>;
  } | null;
  /** Dropped packets by reason: since the data plane began, and of the last five minutes. */
  readonly drops: readonly DropReport[];
  readonly daemon: {
    readonly version: string;
    readonly pid: number;
    /** Whose code computes handshakes: "lacis-crypto", or "openssl" where that library is not installed. */
    readonly handshakeLibrary: string;
    readonly config: string;
    readonly stateDirectory: string;
    readonly startedAt: string;
    readonly uptimeMs: number;
    readonly needsRestart: readonly string[];
  };
  /** What each process may still do. */
  readonly processes: readonly ProcessReport[];
  /** Parts of the daemon; what is wrong with one is under `health`, and its state is the worst of that. */
  readonly services: readonly { readonly name: string; readonly state: "ok" | Health["severity"] }[];
  readonly health: readonly HealthReport[];
}

export interface DropReport {
  readonly reason: string;
  readonly packets: number;
  readonly recentPackets: number;
  /** Since the last one; null: before the last five minutes. */
  readonly lastMs: number | null;
}

/** What goes into a report beside what the host is like. */
export interface ReportOptions {
  /** What is wrong, when somebody remembers since when. */
  readonly health?: readonly HealthReport[];
  /** Which peers are wanted. */
  readonly peers?: PeerQuery;
}

export type DataPlaneStatus = Pick<
  DataPlaneDescription,
  "kind" | "state" | "capabilities" | "ciphers" | "port" | "adopted" | "restarts"
> & { readonly contract: number | null } & {
  readonly [name in "build" | "program" | "startedAt" | "device" | "lastError"]: string | null;
};

export interface CertificateReport {
  readonly versions: readonly number[];
  readonly notAfter: string;
  readonly secondsLeft: number;
}

export interface PeerReport {
  readonly name: string | null;
  readonly addresses: readonly string[];
  readonly groups: readonly string[];
  readonly state: PeerStatus["state"];
  readonly reason: string | null;
  /** Underlay endpoint in use. */
  readonly path: string | null;
  /** The relay in use, when the path leads through one. */
  readonly relay: { readonly name: string; readonly address: string } | null;
  /** Who is at the other end of the TCP connection that the path leads over, and where; null on paths over UDP. */
  readonly carrier: { readonly name: string; readonly address: string; readonly remote: string | null } | null;
  readonly roundTripMs: number | null;
  /** Of the last probes, from 0 to 1. */
  readonly loss: number | null;
  readonly whyRelayed: WhyRelayed | null;
  readonly ways: readonly {
    readonly place: string;
    readonly inUse: boolean;
    readonly roundTripMs: number | null;
    readonly loss: number | null;
    readonly answeredMs: number | null;
  }[];
  /** Bytes of the longest packet that its way is known to carry; null: not asked yet. */
  readonly mtu: number | null;
  readonly lastReceivedMs: number | null;
  readonly establishedMs: number | null;
  readonly sessions: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly certificate: CertificateReport | null;
}

export interface RouteReport {
  readonly prefix: string;
  readonly gateways: readonly {
    readonly name: string | null;
    readonly address: string;
    readonly weight: number;
    readonly state: GatewayState;
  }[];
}

/** Pairs of hosts in one report: all that one host relays for. */
const PAIRS_MAX = 4_096;
/** Peers in one report. */
const PEERS_MAX = 10_000;
/** Routes in one report. */
const ROUTES_MAX = 1_000;

export function statusReport(
  node: NodeStatus,
  daemon: DaemonFacts,
  nowMs: number,
  { health = atOnce(healthOf(node, daemon, nowMs), nowMs), peers: query = {} }: ReportOptions = {},
): StatusReport {
  const { counters } = node;
  const wanted = asked(node.peers, query);
  const peers = foremost(wanted, Math.min(query.limit ?? PEERS_MAX, PEERS_MAX));
  return {
    schema: ADMIN_SCHEMA,
    host: {
      name: node.name,
      addresses: node.addresses,
      groups: node.groups,
      amLighthouse: node.amLighthouse,
      cipher: node.cipher,
      mtu: daemon.mtu,
      nat: { ...translatorReport(node.nat), seenAt: node.nat.seenAt },
      certificate: certificateReport(node.certificateVersions, node.certificateNotAfter, nowMs),
    },
    lighthouses: node.lighthouses.map(({ name, address, up }) => ({ name: name ?? null, address, up })),
    peers: peers.map((peer) => peerReport(peer, nowMs)),
    peersOmitted: wanted.length - peers.length,
    peersByState: byState(node.peers),
    bulletins: node.bulletins,
    routes: node.routes.slice(0, ROUTES_MAX).map(routeReport),
    dataPlane: dataPlaneStatus(daemon.dataPlane),
    relayed: node.relayed.slice(0, PAIRS_MAX),
    carriers: daemon.carriers,
    guard: daemon.guard ?? null,
    counters: counters
      ? {
          tunReadPackets: Number(counters.tunReadPackets),
          tunWrittenPackets: Number(counters.tunWrittenPackets),
          udpReceivedDatagrams: Number(counters.udpReceivedDatagrams),
          udpSentDatagrams: Number(counters.udpSentDatagrams),
          flows: Number(counters.flows),
          parked: Number(counters.parked),
          drops: Object.fromEntries([...counters.drops].map(([reason, count]) => [reason, Number(count)])),
        }
      : null,
    drops: dropReports(node),
    daemon: {
      version: daemon.version,
      pid: daemon.pid,
      handshakeLibrary: daemon.handshakeLibrary,
      config: daemon.config,
      stateDirectory: daemon.stateDirectory,
      startedAt: new Date(daemon.startedAt).toISOString(),
      uptimeMs: nowMs - daemon.startedAt,
      needsRestart: daemon.needsRestart,
    },
    processes: daemon.processes,
    services: daemon.services.map(({ name, health }) => ({ name, state: worst(health) })),
    health,
  };
}

function byState(peers: readonly PeerStatus[]): StatusReport["peersByState"] {
  const counts = { up: 0, unconfirmed: 0, handshaking: 0, failed: 0 };
  for (const { state } of peers) counts[state]++;
  return counts;
}

function dropReports({ counters, recentDrops }: NodeStatus): readonly DropReport[] {
  const counted = [...(counters?.drops ?? [])].filter(([, packets]) => packets > 0n);
  return counted
    .map(([reason, packets]) => {
      const recent = recentDrops.get(reason);
      return {
        reason,
        packets: Number(packets),
        recentPackets: recent?.packets ?? 0,
        lastMs: recent?.lastMs ?? null,
      };
    })
    .sort((a, b) => b.packets - a.packets);
}

function peerReport(peer: PeerStatus, nowMs: number): PeerReport {
  const { certificateNotAfter, certificateVersion } = peer;
  return {
    name: peer.name ?? null,
    addresses: peer.addresses,
    groups: peer.groups,
    state: peer.state,
    reason: peer.trouble ? troubleText(peer.trouble) : null,
    path: peer.path ?? null,
    relay: peer.relay ?? null,
    carrier: peer.carrier ? { ...peer.carrier, remote: peer.carrier.remote ?? null } : null,
    roundTripMs: peer.roundTripMs ?? null,
    loss: peer.loss ?? null,
    whyRelayed: peer.whyRelayed ?? null,
    ways: peer.ways.map(({ place, isInUse, roundTripMs, loss, answeredMs }) => ({
      place,
      inUse: isInUse,
      roundTripMs: roundTripMs ?? null,
      loss: loss ?? null,
      answeredMs: answeredMs ?? null,
    })),
    mtu: peer.mtu ?? null,
    lastReceivedMs: peer.lastReceivedMs ?? null,
    establishedMs: peer.establishedMs ?? null,
    sessions: peer.sessions,
    sentBytes: peer.sentBytes,
    receivedBytes: peer.receivedBytes,
    certificate:
      certificateNotAfter === undefined || certificateVersion === undefined
        ? null
        : certificateReport([certificateVersion], certificateNotAfter, nowMs),
  };
}

function routeReport({ prefix, gateways }: RouteStatus): RouteReport {
  const reports = gateways.map(({ name, address, weight, state }) => ({ name: name ?? null, address, weight, state }));
  return { prefix: formatPrefix(prefix), gateways: reports };
}

function dataPlaneStatus(plane: DataPlaneDescription): DataPlaneStatus {
  const {
    build,
    program,
    startedAt,
    contract,
    device,
    lastError,
    pid: _pid,
    confinement: _confinement,
    ...rest
  } = plane;
  return {
    ...rest,
    build: build ?? null,
    program: program ?? null,
    startedAt: startedAt === undefined ? null : new Date(startedAt).toISOString(),
    contract: contract ?? null,
    device: device ?? null,
    lastError: lastError ?? null,
  };
}

function certificateReport(versions: readonly number[], notAfter: number, nowMs: number): CertificateReport {
  return {
    versions,
    notAfter: new Date(Math.min(notAfter * 1000, LAST_DATE_MS)).toISOString(),
    secondsLeft: notAfter - Math.floor(nowMs / 1000),
  };
}

/** A certificate may end after the last day that Date knows (ECMA-262 21.4.1.1). */
const LAST_DATE_MS = 8.64e15;
