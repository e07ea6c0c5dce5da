import type { DaemonFacts } from "../../../src/admin/daemon-facts.ts";
import type { NodeStatus, PeerStatus } from "../../../src/core/io.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../src/core/netip/endpoint.ts";
import { UNKNOWN_NAT } from "../../../src/core/wire/nat-report.ts";

/** 2026-11-20T00:00:00Z */
export const NOW_MS = 1_795_132_800_000;
const DAY_S = 86_400;

/** A healthy host, with changes. */
export function nodeStatus(changes: Partial<NodeStatus> = {}): NodeStatus {
  return {
    name: "laptop",
    addresses: ["10.77.0.3" as IpAddress],
    groups: ["dev"],
    certificateNotBefore: NOW_MS / 1000 - 165 * DAY_S,
    certificateNotAfter: NOW_MS / 1000 + 200 * DAY_S,
    renewsItself: false,
    isRevoked: false,
    outOfNetwork: undefined,
    authorities: [],
    certificateVersions: [1],
    amLighthouse: false,
    cipher: "aes",
    lighthouses: [{ address: "10.77.0.1" as IpAddress, name: "lh", up: true, serves: true }],
    peers: [peerStatus()],
    nat: { ...UNKNOWN_NAT, seenAt: [], keepsPort: undefined },
    relayed: [],
    punches: true,
    policy: undefined,
    bulletins: [],
    twins: [],
    refusedCallers: [],
    routes: [],
    recentDrops: new Map(),
    sendTroubles: [],
    counters: undefined,
    refusals: [],
    tables: { addresses: 1, sessions: 1, calls: 0, callIndexes: 0 },
    handshakesStarted: 0,
    traffic: { sentPackets: 10, sentBytes: 1_000, receivedPackets: 20, receivedBytes: 2_000 },
    ...changes,
  };
}

/** A peer with a tunnel, with changes. */
export function peerStatus(changes: Partial<PeerStatus> = {}): PeerStatus {
  return {
    name: "server",
    addresses: ["10.77.0.2" as IpAddress],
    groups: [],
    state: "up",
    trouble: undefined,
    path: "192.0.2.2:4242" as Endpoint,
    relay: undefined,
    carrier: undefined,
    roundTripMs: 0.8123,
    mtu: undefined,
    loss: 0,
    whyRelayed: undefined,
    ways: [],
    lastReceivedMs: 2_345.6,
    establishedMs: 60_000,
    certificateNotBefore: NOW_MS / 1000 - 365 * DAY_S,
    certificateNotAfter: NOW_MS / 1000 + 364 * DAY_S,
    certificateVersion: 1,
    hasOldOfOurs: false,
    clockAheadMs: 0,
    sessions: 1,
    sentBytes: 1_000,
    receivedBytes: 2_000,
    traffic: { sentPackets: 10, sentBytes: 1_000, receivedPackets: 20, receivedBytes: 2_000 },
    pathKind: "direct",
    ...changes,
  };
}

/** A daemon with nothing to complain about, with changes. */
export function daemonFacts(changes: Partial<DaemonFacts> = {}): DaemonFacts {
  return {
    version: "0.1.0",
    pid: 4711,
    handshakeLibrary: "lacis-crypto",
    config: "/etc/lacis/config.yml",
    stateDirectory: "/run/lacis/config-12345678",
    startedAt: NOW_MS - 3_600_000,
    carriers: { listening: null, accepted: 0, dialled: 0, sent: 0, received: 0, drops: {} },
    dataPlane: {
      kind: "native",
      state: "up",
      build: "lacis-dataplane 0.1.0",
      program: "0123456789abcdef".repeat(4),
      startedAt: NOW_MS - 3_600_000,
      contract: 2,
      capabilities: [],
      ciphers: [{ cipher: "aes", library: "ring" }],
      pid: undefined,
      confinement: undefined,
      device: "nebula1",
      port: 4242,
      adopted: false,
      restarts: 0,
      lastError: undefined,
    },
    guard: { routes: "standing", underlay: "closed", droppedPackets: 0 },
    processes: [],
    mtu: 1300,
    services: [{ name: "data-plane", health: [] }],
    refusedReload: undefined,
    needsRestart: [],
    ...changes,
  };
}
