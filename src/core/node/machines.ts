import type { Instant } from "../base/time.ts";
import type { LighthouseService } from "../discovery/service.ts";
import { Adoption, type AdoptionEvent } from "../machine/adoption/adoption.ts";
import { Answers, type AnswersEvent } from "../machine/answers/answers.ts";
import { Bulletins } from "../machine/bulletins/bulletins.ts";
import type { BulletinsEvent } from "../machine/bulletins/events.ts";
import { Calls } from "../machine/calls/calls.ts";
import type { CallsEvent } from "../machine/calls/events.ts";
import { Carriers } from "../machine/carriers/carriers.ts";
import type { CarriersEvent } from "../machine/carriers/events.ts";
import { Discovery, type DiscoveryEvent } from "../machine/discovery/discovery.ts";
import { Expiry } from "../machine/expiry/expiry.ts";
import type { Facts } from "../machine/facts.ts";
import { Gateways, type GatewaysEvent } from "../machine/gateways/gateways.ts";
import { Guests, type GuestsEvent } from "../machine/guests/guests.ts";
import { Inquiries, type InquiriesEvent } from "../machine/inquiries/inquiries.ts";
import type { LivenessEvent } from "../machine/liveness/events.ts";
import { Liveness } from "../machine/liveness/liveness.ts";
import { Losses } from "../machine/losses/losses.ts";
import type { CommonEvent, Emit, Machine } from "../machine/machine.ts";
import { Names, type NamesEvent } from "../machine/names/names.ts";
import { Nat, type NatEvent } from "../machine/nat/nat.ts";
import { NetworkPolicy, type NetworkPolicyEvent } from "../machine/network-policy/network-policy.ts";
import { PathMtu } from "../machine/path-mtu/path-mtu.ts";
import { Paths, type PathsEvent } from "../machine/paths/paths.ts";
import { Pings, type PingsEvent } from "../machine/pings/pings.ts";
import { Policies, type PoliciesEvent } from "../machine/policies/policies.ts";
import { Promotion, type PromotionEvent } from "../machine/promotion/promotion.ts";
import { Refusals } from "../machine/refusals/refusals.ts";
import type { RelaysEvent } from "../machine/relays/events.ts";
import { Relays } from "../machine/relays/relays.ts";
import { Sessions, type SessionsEvent } from "../machine/sessions/sessions.ts";
import { Shortcuts, type ShortcutsEvent } from "../machine/shortcuts/shortcuts.ts";
import { Traversal, type TraversalEvent } from "../machine/traversal/traversal.ts";
import { TurnedAway, type TurnedAwayEvent } from "../machine/turned-away/turned-away.ts";
import { natObstacle } from "../nat/verdict.ts";
import { isOverTcp } from "../path/carried.ts";
import type { Parcel } from "../peer/parcel.ts";
import type { PeerTable } from "../peer/peer-table.ts";
import { relayOn } from "../peer/place.ts";
import type { Session } from "../peer/session.ts";
import { heardAt } from "../peer/vitals.ts";
import { UNKNOWN_NAT } from "../wire/nat-report.ts";

/** Everything that a machine can say, and what the node itself puts off until what came before has been heard. */
export type NodeEvent =
  | CommonEvent
  | AdoptionEvent
  | AnswersEvent
  | BulletinsEvent
  | CallsEvent
  | CarriersEvent
  | DiscoveryEvent
  | GatewaysEvent
  | GuestsEvent
  | InquiriesEvent
  | LivenessEvent
  | NamesEvent
  | NatEvent
  | NetworkPolicyEvent
  | PathsEvent
  | PingsEvent
  | PoliciesEvent
  | PromotionEvent
  | RelaysEvent
  | SessionsEvent
  | ShortcutsEvent
  | TraversalEvent
  | TurnedAwayEvent
  /** What waited for this session; of one that we called for, the first thing in it has to be an answered one. */
  | {
      readonly kind: "deliver";
      readonly session: Session;
      readonly parcels: readonly Parcel[];
      readonly first: boolean;
    };

/** The machines of a node. */
export interface Machines {
  readonly liveness: Liveness;
  readonly paths: Paths;
  readonly networkPolicy: NetworkPolicy;
  readonly guests: Guests;
  readonly policies: Policies;
  readonly adoption: Adoption;
  readonly gateways: Gateways;
  readonly discovery: Discovery;
  readonly nat: Nat;
  readonly pathMtu: PathMtu;
  readonly pings: Pings;
  readonly inquiries: Inquiries;
  readonly names: Names;
  readonly refusals: Refusals;
  readonly turnedAway: TurnedAway;
  readonly relays: Relays;
  readonly shortcuts: Shortcuts;
  readonly promotion: Promotion;
  readonly bulletins: Bulletins;
  readonly calls: Calls;
  readonly carriers: Carriers;
  readonly answers: Answers;
  readonly losses: Losses;
  readonly sessions: Sessions;
  readonly traversal: Traversal;
  /**
   * All of them, in the order in which they hear what concerns everybody: a tick, a reload, the end of the data plane. Trust is judged before
   * rules, whose rules count before what they are, and calls come after whoever may start one, because the first attempt of a call is due at once.
   */
  readonly all: readonly Machine[];
}

export function assemble(
  facts: Facts,
  peers: PeerTable,
  lighthouse: LighthouseService | undefined,
  emit: Emit<NodeEvent>,
): Machines {
  const lastReceivedAt = (session: Session): Instant | undefined => heardAt(session.vitals);
  const isSuspect = (session: Session): boolean => liveness.isSuspect(session);
  const roundTripMs = (session: Session): number | undefined => paths.estimateOf(session)?.roundTripMs;
  const liveness = new Liveness(
    facts,
    peers,
    {
      // What has come waits to be heard while this host is behind.
      judgeAfterMs: (session) => paths.judgeAfterMs(session) + facts.behindMs,
      isLossy: (session) => paths.isLossy(session),
    },
    emit,
  );
  const networkPolicy = new NetworkPolicy(facts, emit);
  const guests = new Guests(facts, emit);
  const policies = new Policies(facts, peers, emit);
  const adoption = new Adoption(facts, peers, emit);
  const carriers = new Carriers(facts, peers, { endpointsOf: (target) => discovery.endpointsOf(target) }, emit);
  const discovery: Discovery = new Discovery(facts, peers, { lighthouse, carriers, ownNat: () => nat.own }, emit);
  const nat = new Nat(
    facts,
    peers,
    {
      ownPlaces: () => discovery.presence.all(),
      provenPlacesOf: (host) => discovery.endpointsOf(host).filter((at) => discovery.isProven(host, at)),
      isPlausible: (at) => discovery.isPlausible(at),
      roundTripMs: (session) => paths.estimateOf(session)?.smoothedMs ?? session.handshakeMs,
    },
    emit,
  );
  const traversal = new Traversal(
    facts,
    peers,
    {
      own: () => nat.status(),
      isPossible: (host, at) => discovery.isPossible(host, at),
      mayProbe: (kind, owner, at) => discovery.mayProbe(kind, owner, at),
    },
    emit,
  );
  const gateways = new Gateways(facts, peers, { roundTripMs }, emit);
  const losses = new Losses(facts, emit);
  const pings = new Pings(
    facts,
    peers,
    {
      refusedOf: (places, since) => losses.refusedOf(places, since),
      failureTo: (target) => calls.failureTo(target),
    },
    emit,
  );
  const inquiries = new Inquiries(facts, peers, emit);
  const names = new Names(facts, peers, emit);
  const refusals = new Refusals(facts, peers, emit);
  const turnedAway = new TurnedAway(facts, peers, emit);
  const pathMtu = new PathMtu(
    facts,
    peers,
    {
      speaksPathProbes: (session) => paths.speaksPathProbes(session),
      roundTripMs,
    },
    emit,
  );
  const relays = new Relays(
    facts,
    peers,
    {
      relaysOf: (target) => discovery.relaysOf(target),
      isSuspect,
    },
    emit,
  );
  const paths = new Paths(
    facts,
    peers,
    {
      relayedWays: (target) => relays.standingWaysTo(target),
      seekRelays: (target) => relays.seek(target),
      endpointsOf: (target) => discovery.endpointsOf(target),
      isProven: (target, at) => discovery.isProven(target, at),
      isSuspect,
      lastReceivedAt,
    },
    emit,
  );
  const promotion = new Promotion(facts, peers, discovery, emit);
  const shortcuts = new Shortcuts(
    facts,
    peers,
    {
      lastReceivedAt,
      endpointsOf: (target) => discovery.endpointsOf(target),
      natObstacle: (target) => natObstacle(nat.own, nat.of(target) ?? UNKNOWN_NAT),
      isUdpBlocked: (session) => isOverTcp(relayOn(session.path, peers)?.path),
      hasLeftStraight: (session) => paths.hasLeftStraight(session),
    },
    emit,
  );
  const calls = new Calls(facts, peers, { places: discovery, relays, translators: traversal, losses }, emit);
  const answers = new Answers(
    facts,
    peers,
    {
      isInDoubt: (session) => liveness.isInDoubt(session),
      farOf: (path) => relays.farOf(path),
      provenBy: (path) => relays.provenBy(path),
    },
    emit,
  );
  const sessions = new Sessions(
    facts,
    peers,
    {
      lastReceivedAt,
      endpointsOf: (session) => discovery.rememberedEndpoints(session),
    },
    emit,
  );
  const bulletins = new Bulletins(facts, peers, { lastReceivedAt }, emit);
  const all = [
    liveness,
    paths,
    networkPolicy,
    guests,
    policies,
    discovery,
    nat,
    traversal,
    adoption,
    gateways,
    pings,
    inquiries,
    names,
    relays,
    shortcuts,
    promotion,
    carriers,
    pathMtu,
    calls,
    sessions,
    losses,
    bulletins,
    new Expiry(facts, emit),
  ];
  return {
    liveness,
    paths,
    networkPolicy,
    guests,
    policies,
    adoption,
    gateways,
    discovery,
    nat,
    pathMtu,
    pings,
    inquiries,
    names,
    refusals,
    turnedAway,
    relays,
    shortcuts,
    promotion,
    bulletins,
    calls,
    carriers,
    answers,
    losses,
    sessions,
    traversal,
    all,
  };
}
