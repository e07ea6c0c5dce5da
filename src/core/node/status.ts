import type { NodeStatus, PeerStatus } from "../io.ts";
import type { IpAddress } from "../netip/address.ts";
import { nameAddress, type Tunnel } from "../tunnel/tunnel.ts";
import type { NodeState } from "./state.ts";

/** The picture that `lacis status` prints. */
export function statusOf(state: NodeState): NodeStatus {
  const { credential } = state.settings.live.identity;
  const certificates = Object.values(credential.certificates).filter((certificate) => certificate !== undefined);
  const { boot, live } = state.settings;
  return {
    name: credential.name,
    addresses: credential.addresses,
    groups: [...new Set(certificates.flatMap(({ groups }) => groups))],
    certificateNotAfter: Math.min(...certificates.map(({ notAfter }) => Number(notAfter))),
    certificateVersions: certificates.map(({ version }) => version),
    amLighthouse: boot.lighthouse.amLighthouse,
    cipher: boot.cipher,
    lighthouses: live.lighthouse.hosts.map((address) => {
      const tunnel = state.tunnels.primaryOf(address);
      return { address, name: tunnel?.peer.name, up: tunnel !== undefined };
    }),
    peers: peersOf(state),
    counters: state.counters,
  };
}

function peersOf(state: NodeState): readonly PeerStatus[] {
  const shown = new Set<IpAddress>();
  const peers: PeerStatus[] = [];
  const add = (peer: PeerStatus): void => {
    for (const address of peer.addresses) shown.add(address);
    peers.push(peer);
  };
  for (const tunnel of state.tunnels.peers()) add(ofTunnel(state, tunnel, "up"));
  for (const tunnel of state.tunnels.all())
    if (!tunnel.addresses.some((address) => shown.has(address))) add(ofTunnel(state, tunnel, "unconfirmed"));
  for (const { target, attempt } of state.pending.all())
    if (!shown.has(target)) add(withoutTunnel(target, "handshaking", `attempt ${attempt}`));
  for (const [target, { text }] of state.failures.entries())
    if (!shown.has(target)) add(withoutTunnel(target, "failed", text));
  return peers;
}

function ofTunnel(state: NodeState, tunnel: Tunnel, at: "up" | "unconfirmed"): PeerStatus {
  const { peer, addresses, path, roundTripMs, lastReceivedAt, sentBytes, receivedBytes } = tunnel;
  return {
    name: peer.name,
    addresses,
    groups: peer.groups,
    state: at,
    reason: tunnel.suspicion ? SUSPICION_TEXT[tunnel.suspicion.of] : undefined,
    path,
    roundTripMs,
    lastReceivedMs: lastReceivedAt === undefined ? undefined : state.now - lastReceivedAt,
    establishedMs: state.now - tunnel.state.since,
    certificateNotAfter: Number(peer.notAfter),
    certificateVersion: peer.version,
    sessions: state.tunnels.sessionsOf(nameAddress(tunnel)).length,
    sentBytes,
    receivedBytes,
  };
}

function withoutTunnel(target: IpAddress, at: "handshaking" | "failed", reason: string): PeerStatus {
  return {
    name: undefined,
    addresses: [target],
    groups: [],
    state: at,
    reason,
    path: undefined,
    roundTripMs: undefined,
    lastReceivedMs: undefined,
    establishedMs: undefined,
    certificateNotAfter: undefined,
    certificateVersion: undefined,
    sessions: 0,
    sentBytes: 0,
    receivedBytes: 0,
  };
}

const SUSPICION_TEXT = { silence: "does not answer", "recv-error": "says it does not know the session" } as const;
