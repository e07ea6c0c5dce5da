import type { Clock } from "../base/time.ts";
import { type CaPool, isTakenBack } from "../cert/ca-pool.ts";
import type { Certificate } from "../cert/certificate.ts";
import { endsSoon } from "../cert/lifetime.ts";
import type { Named } from "../flow-story.ts";
import type { NodeStatus, PeerStatus } from "../io.ts";
import type { Facts } from "../machine/facts.ts";
import { showsOld } from "../machine/liveness/renewal.ts";
import type { IpAddress } from "../netip/address.ts";
import type { PeerTrouble } from "../operator/failure.ts";
import { isCarried } from "../path/carried.ts";
import { endpointOf } from "../path/path.ts";
import type { Peers } from "../peer/peer.ts";
import { relayOn } from "../peer/place.ts";
import { nameAddress, type Session } from "../peer/session.ts";
import { heardAt, type Suspicion } from "../peer/vitals.ts";
import type { Machines } from "./machines.ts";
import { twinsOf } from "./twins.ts";

/**
 * Of which peers a picture says something: of all, or of those alone about whom something may be wrong. A look at a session takes a tenth of the time that
 * its description takes.
 */
export type StatusOf = "everybody" | "troubled";

/** The picture that `lacis status` prints. */
export function statusOf(
  facts: Facts,
  peers: Peers,
  machines: Pick<
    Machines,
    | "answers"
    | "bulletins"
    | "calls"
    | "gateways"
    | "losses"
    | "nat"
    | "networkPolicy"
    | "refusals"
    | "relays"
    | "turnedAway"
  > &
    Looked,
  whom: StatusOf,
): NodeStatus {
  const { answers, liveness, calls, gateways, nat, refusals, relays } = machines;
  const relayed = relays.pairs();
  const servesOf = (address: IpAddress, session: Session | undefined): boolean | undefined => {
    if (nat.hasHeard(address)) return true;
    return session && facts.now - session.state.since >= LIGHTHOUSE_ANSWERS_MS ? false : undefined;
  };
  const { boot, live } = facts.settings;
  const { credential } = live.identity;
  const certificates = Object.values(credential.certificates).filter((certificate) => certificate !== undefined);
  return {
    name: credential.name,
    addresses: credential.addresses,
    groups: [...new Set(certificates.flatMap(({ groups }) => groups))],
    ...endOf(certificates),
    renewsItself: live.renewal !== undefined,
    isRevoked: certificates.some((certificate) => isBlocked(live.identity.pool.verify(certificate, facts.clock.wall))),
    outOfNetwork: machines.turnedAway.status(),
    authorities: [...live.identity.pool.authorities.values()].map(({ name, fingerprint, notBefore, notAfter }) => ({
      name,
      fingerprint,
      notBefore: Number(notBefore),
      notAfter: Number(notAfter),
      isOurs: certificates.some(({ issuer }) => issuer === fingerprint),
    })),
    certificateVersions: certificates.map(({ version }) => version),
    amLighthouse: boot.lighthouse.amLighthouse,
    cipher: boot.cipher,
    lighthouses: live.lighthouse.hosts.map((address) => {
      const session = peers.primaryOf(address);
      return {
        address,
        name: peers.lastNameOf(address),
        up: session !== undefined,
        serves: servesOf(address, session),
      };
    }),
    peers: peersOf(peers, machines, facts, whom),
    nat: nat.status(),
    relayed,
    punches: live.punchy.punch,
    policy: machines.networkPolicy.status(),
    bulletins: machines.bulletins.status(),
    twins: twinsOf(peers, facts.now),
    refusedCallers: answers.refusedLately().flatMap(({ at, ...caller }) => {
      // Whoever has been let in since has another certificate by now, or we have another clock.
      const isIn = caller.addresses.some((address) => (peers.primaryOf(address)?.state.since ?? at) > at);
      return isIn ? [] : { ...caller, agoMs: facts.now - at };
    }),
    routes: gateways.describe(),
    counters: liveness.counters,
    refusals: refusals.recent(),
    recentDrops: machines.losses.recentDrops(),
    sendTroubles: machines.losses.sendTroubles(),
    tables: tablesOf(peers),
    handshakesStarted: calls.started,
    traffic: liveness.traffic,
  };
}

/** Of the one that ends first. */
function endOf(certificates: readonly Certificate[]): Pick<NodeStatus, "certificateNotBefore" | "certificateNotAfter"> {
  const ends = certificates.map(({ notBefore, notAfter }) => ({
    certificateNotBefore: Number(notBefore),
    certificateNotAfter: Number(notAfter),
  }));
  return ends.reduce((first, other) => (other.certificateNotAfter < first.certificateNotAfter ? other : first));
}

function isBlocked(verified: ReturnType<CaPool["verify"]>): boolean {
  return !verified.ok && isTakenBack(verified.reason);
}

/** A lighthouse is asked a second after its tunnel is up. */
const LIGHTHOUSE_ANSWERS_MS = 10_000;

function tablesOf(peers: Peers): NodeStatus["tables"] {
  let [calls, callIndexes] = [0, 0];
  for (const { call } of peers.called()) {
    if (call) calls++;
    if (call?.progress.at === "calling") callIndexes++;
  }
  return { addresses: peers.addressCount, sessions: peers.sessionCount, calls, callIndexes };
}

type Looked = Pick<Machines, "liveness" | "carriers" | "pathMtu" | "paths" | "shortcuts">;

/** It may answer yet: no trouble to speak of. */
function isAsking(suspicion: Suspicion): boolean {
  return suspicion.of === "silence" && suspicion.stage === "asking";
}

/** Those that are up first, then those that have not proven themselves, are called, could not be reached. */
function peersOf(peers: Peers, machines: Looked, facts: Facts, whom: StatusOf): readonly PeerStatus[] {
  /** Addresses of those that are shown and not up. */
  const shown = new Set<IpAddress>();
  const isShown = (address: IpAddress): boolean =>
    shown.has(address) || peers.sessionsOf(address).some((session) => peers.isPrimaryOfPeer(session));
  const statuses: PeerStatus[] = [];
  const nowSeconds = facts.clock.wall / 1_000_000_000n;
  const isWanted = (session: Session): boolean =>
    whom === "everybody" || endsSoon(session.peer, nowSeconds) || showsOld(session, facts.settings.live.identity);
  const add = (session: Session, at: "up" | "unconfirmed"): void => {
    statuses.push(ofSession(session, at, { peers, machines, facts }));
  };
  const addUnreached = (name: IpAddress, at: "handshaking" | "failed", trouble: PeerTrouble): void => {
    // Who has a session and is well was passed over above, and is not out of reach.
    const isLeftOut = whom === "troubled" && peers.sessionsOf(name).length > 0;
    if (isLeftOut || isShown(name)) return;
    shown.add(name);
    statuses.push(unreached({ name: peers.lastNameOf(name), address: name }, at, trouble));
  };
  const others: Session[] = [];
  for (const session of peers.sessions()) {
    // First what takes least: of thousands hardly any is wanted, and who sends for an address is looked up.
    if (!isWanted(session)) continue;
    if (peers.isPrimaryOfPeer(session)) add(session, "up");
    else others.push(session);
  }
  for (const session of others) {
    if (session.addresses.some(isShown)) continue;
    for (const address of session.addresses) shown.add(address);
    add(session, "unconfirmed");
  }
  for (const { name, call } of peers.called())
    if (call) addUnreached(name, "handshaking", { of: "calling", attempt: call.attempt });
  for (const { name, failed } of peers.called())
    if (failed) addUnreached(name, "failed", { of: "failed-call", failure: failed.failure });
  return statuses;
}

function ofSession(
  session: Session,
  at: "up" | "unconfirmed",
  { peers, machines, facts }: { readonly peers: Peers; readonly machines: Looked; readonly facts: Facts },
): PeerStatus {
  const { liveness, carriers, pathMtu, paths, shortcuts } = machines;
  const { clock, now, settings } = facts;
  const { identity } = settings.live;
  const { peer, addresses, path } = session;
  const relay = relayOn(path, peers);
  const hop = relay ?? session;
  const hopAt = endpointOf(hop.path);
  const { vitals } = session;
  const { suspicion, sentBytes, receivedBytes } = vitals;
  const lastReceivedAt = heardAt(vitals);
  const estimate = paths.estimateOf(session);
  return {
    name: peer.name,
    addresses,
    groups: peer.groups,
    state: at,
    trouble: suspicion && !isAsking(suspicion) ? { of: suspicion.of } : undefined,
    path: endpointOf(path),
    relay: relay && named(relay),
    carrier: hopAt && isCarried(hopAt) ? { ...named(hop), remote: carriers.remoteOf(hopAt) } : undefined,
    roundTripMs: estimate?.roundTripMs,
    loss: estimate?.loss,
    whyRelayed: shortcuts.whyRelayed(session),
    ways: paths.waysOf(session),
    mtu: pathMtu.of(session),
    lastReceivedMs: lastReceivedAt === undefined ? undefined : now - lastReceivedAt,
    establishedMs: now - session.state.since,
    certificateNotBefore: Number(peer.notBefore),
    certificateNotAfter: Number(peer.notAfter),
    certificateVersion: peer.version,
    hasOldOfOurs: at === "up" && showsOld(session, identity),
    clockAheadMs: clockAhead(session, clock),
    sessions: peers.sessionsOf(nameAddress(session)).length,
    sentBytes,
    receivedBytes,
    traffic: liveness.trafficWith(session),
    pathKind: path?.kind,
  };
}

function clockAhead({ peerTime, state }: Session, { now, wall }: Clock): number {
  return Math.round(Number((peerTime - wall) / 1_000_000n) + (now - state.since));
}

function named(session: Session): Named {
  return { name: session.peer.name, address: nameAddress(session) };
}

function unreached(
  { name, address }: { readonly name: string | undefined; readonly address: IpAddress },
  at: "handshaking" | "failed",
  trouble: PeerTrouble,
): PeerStatus {
  return {
    name,
    addresses: [address],
    groups: [],
    state: at,
    trouble,
    path: undefined,
    relay: undefined,
    carrier: undefined,
    roundTripMs: undefined,
    mtu: undefined,
    loss: undefined,
    whyRelayed: undefined,
    ways: [],
    lastReceivedMs: undefined,
    establishedMs: undefined,
    certificateNotBefore: undefined,
    certificateNotAfter: undefined,
    certificateVersion: undefined,
    hasOldOfOurs: false,
    clockAheadMs: undefined,
    sessions: 0,
    sentBytes: 0,
    receivedBytes: 0,
    traffic: undefined,
    pathKind: undefined,
  };
}
