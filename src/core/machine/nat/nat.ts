import { toHex } from "../../base/bytes.ts";
import { LruMap } from "../../base/lru.ts";
import { Pace, type PaceLimit } from "../../base/pace.ts";
import { type Instant, later } from "../../base/time.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import { isPreferred } from "../../discovery/endpoint-order.ts";
import { classifyMapping, type Mapping, type Sighting } from "../../nat/classify.ts";
import type { NatStatus } from "../../nat/nat-status.ts";
import type { LighthouseSight } from "../../nat/sight.ts";
import { familyOf, type IpAddress } from "../../netip/address.ts";
import { type Endpoint, endpointAddress, endpointPort } from "../../netip/endpoint.ts";
import { isLoopback, isPublic } from "../../netip/special.ts";
import { isCarried } from "../../path/carried.ts";
import { directPath, endpointOf } from "../../path/path.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import { testPacket, testRequest } from "../../peer/test-packet.ts";
import { toldMs } from "../../punch/turns.ts";
import { bindingRequest, decodeBinding } from "../../wire/binding.ts";
import { PATH_TOKEN_BYTES, TestSubtype } from "../../wire/header.ts";
import { type NatReport, UNKNOWN_NAT } from "../../wire/nat-report.ts";
import type { Facts } from "../facts.ts";
import type { CommonEvent, Emit, Machine, SendEvent } from "../machine.ts";

export type NatEvent =
  | CommonEvent
  | SendEvent
  /** What callers need to know about our translator is something else now. */
  | { readonly kind: "nat-changed" };

export interface NatPorts {
  /** This host's own addresses on the underlay, with its port. */
  ownPlaces(): readonly Endpoint[];
  /** Where this host is, by more than somebody's word; best first. */
  provenPlacesOf(host: IpAddress): readonly Endpoint[];
  /** Whether one machine may be there. */
  isPlausible(at: Endpoint): boolean;
  /** As it was measured on the way of this session. */
  roundTripMs(session: Session): number | undefined;
}

/** A lighthouse of ours says where it sees us in answer to every report; one that does not is asked after this long. */
const ASK_AT_FIRST_MS = 1_000;
const ASK_AGAIN_MS = 60_000;
/** Longer than whoever has just followed us to one place stays there, whatever comes from where we were before (SEMANTICS 5). */
const SETTLED_MS = 2_500;
/** Peers whose translators are remembered. */
const PEERS_MAX = 4_096;
/** Other places of one lighthouse that are asked. */
const ASIDE_MAX = 2;
/** How often, without an answer: reports are acknowledged every few seconds, and datagrams get lost. */
const ASIDE_TIMES_MAX = 5;
/** How often a lighthouse that sees us over IPv6 is tried over IPv4. */
const MOVES: PaceLimit = { burst: 5, intervalMs: 60_000 };
/** Views of lighthouses of which that is remembered. */
const MOVING_MAX = 64;
/** Binding requests that wait for their replies. */
const ASKED_MAX = 64;

/** What address translators do to this host and to its peers, from what lighthouses see. */
export class Nat implements Machine {
  readonly waitsFor = "sight of ourselves";
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #ports: NatPorts;
  readonly #emit: Emit<NatEvent>;
  /** By lighthouse. */
  readonly #views = new Map<IpAddress, View>();
  /** By token. */
  readonly #asked = new LruMap<string, { readonly view: View; readonly by: Endpoint }>(ASKED_MAX);
  readonly #reports = new LruMap<IpAddress, NatReport>(PEERS_MAX);
  readonly #ask = new TimerQueue<IpAddress>();
  readonly #moves = new Pace<View>(MOVES, MOVING_MAX);
  /** Lighthouses with a tunnel that have said anything. */
  readonly #heard = new Set<IpAddress>();
  #mapping: Mapping = classifyMapping([], []);
  /** To the nearest lighthouse, as others are told; 0 before there is a tunnel to one. */
  #roundTripMs = 0;

  constructor(facts: Facts, peers: Peers, ports: NatPorts, emit: Emit<NatEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#ports = ports;
    this.#emit = emit;
  }

  /** What there is to tell others about ours; who knows nothing yet tells them at least that it is one who heeds such words. */
  get own(): NatReport {
    const { kind: mapping, delta, lastPort } = this.#mapping;
    return { ...UNKNOWN_NAT, mapping, delta, lastPort, roundTripMs: this.#roundTripMs };
  }

  /** What is known about a peer's; undefined when nobody has said anything. */
  of(peer: IpAddress): NatReport | undefined {
    return this.#reports.get(peer);
  }

  /** Whether this one answers as lighthouses do: it has said where it sees us. */
  hasHeard(lighthouse: IpAddress): boolean {
    return this.#heard.has(lighthouse);
  }

  status(): NatStatus {
    const seenAt = [...new Set(this.#sightings().map(({ at }) => at))];
    const ports = seenAt.filter((at) => familyOf(endpointAddress(at)) === 4).map(endpointPort);
    const keepsPort = ports.length === 0 ? undefined : ports.every((port) => port === this.#facts.udpPort);
    return { ...this.own, seenAt, keepsPort };
  }

  /** A lighthouse says what a host has told it about its translator. */
  told(peer: IpAddress, report: NatReport): void {
    this.#reports.set(peer, report);
  }

  /** A lighthouse says where it sees us. What counts is the family in which we talk to it. */
  seen(session: Session, { places, tellsBindings }: LighthouseSight): void {
    const name = nameAddress(session);
    const by = endpointOf(session.path);
    for (const address of session.addresses) if (this.#facts.isLighthouse(address)) this.#heard.add(address);
    this.#ask.schedule(name, later(this.#facts.now, ASK_AGAIN_MS));
    // Over TCP it does not see where our datagrams come from.
    if (by === undefined || isCarried(by)) return;
    const at = places.find((place) => familyAt(place) === familyAt(by) && this.#ports.isPlausible(place));
    if (at === undefined) return;
    const known = this.#views.get(name);
    // Seen elsewhere, or by another way: what its other places saw was seen before that.
    const view = known?.straight.by === by && known.straight.at === at ? known : new View({ by, at });
    this.#views.set(name, view);
    this.#measure();
    if (familyAt(by) === 6) this.#moveToIpv4(session, view);
    if (tellsBindings) this.#askAside(session, view);
    this.#classify();
  }

  /** A lighthouse says where it has seen a binding request of ours come from. */
  bindingReplied(session: Session, body: Uint8Array): void {
    const binding = decodeBinding(body);
    const asked = binding && this.#asked.get(toHex(binding.token));
    if (!asked || this.#views.get(nameAddress(session)) !== asked.view) return;
    this.#asked.delete(toHex(binding.token));
    if (familyAt(binding.seenAt) !== 4 || !this.#ports.isPlausible(binding.seenAt)) return;
    asked.view.aside.set(asked.by, binding.seenAt);
    this.#classify();
  }

  sessionUp(session: Session): void {
    const name = nameAddress(session);
    if (this.#facts.isLighthouse(name)) this.#measure();
    this.#askSoon(name);
  }

  peerDown(session: Session): void {
    const name = nameAddress(session);
    this.#ask.cancel(name);
    for (const address of session.addresses) this.#heard.delete(address);
    this.#views.delete(name);
    this.#classify();
  }

  /** We are somewhere else: whatever was seen was seen there. */
  moved(): void {
    this.#views.clear();
    this.#roundTripMs = 0;
    this.#classify();
    for (const name of this.#facts.lighthouses) if (this.#peers.primaryOf(name)) this.#askSoon(name);
  }

  stop(): void {
    this.#heard.clear();
    this.#views.clear();
    this.#mapping = classifyMapping([], []);
  }

  nextAt(): Instant | undefined {
    return this.#ask.next()?.at;
  }

  tick(): void {
    const { now, ownAddresses } = this.#facts;
    const [target] = ownAddresses;
    for (const name of this.#ask.takeDue(now)) {
      if (target === undefined || !this.#peers.primaryOf(name)) continue;
      this.#ask.schedule(name, later(now, ASK_AGAIN_MS));
      this.#emit({ kind: "send", to: name, parcel: { kind: "query", target } });
    }
  }

  /** Lighthouses know where they are themselves, and are asked by nobody. */
  #askSoon(name: IpAddress): void {
    if (this.#facts.isLighthouse(name) && !this.#facts.settings.boot.lighthouse.amLighthouse)
      this.#ask.schedule(name, later(this.#facts.now, ASK_AT_FIRST_MS));
  }

  /**
   * While only one place of the world sees us: from its other addresses a lighthouse sees more. They are asked until they answer, but not for ever,
   * for nobody may listen there.
   */
  #askAside(session: Session, view: View): void {
    const seers = new Set(this.#sightings().flatMap(({ by }) => (familyAt(by) === 4 ? endpointAddress(by) : [])));
    if (seers.size > 1 || view.timesAsked >= ASIDE_TIMES_MAX) return;
    view.timesAsked++;
    const others = this.#provenInIpv4(session).filter((at) => !seers.has(endpointAddress(at)));
    for (const by of others.slice(0, ASIDE_MAX)) {
      const token = this.#facts.entropy.bytes(PATH_TOKEN_BYTES);
      this.#asked.set(toHex(token), { view, by });
      const command = testPacket(session, TestSubtype.bindingRequest, bindingRequest(token), directPath(by));
      this.#emit({ kind: "command", command });
    }
  }

  /**
   * Our addresses of IPv6 we know, and have told; where a translator lets us be found in IPv4 only those know whom we talk to in it. A lighthouse that
   * sees us over IPv6 alone would send hosts that have none to us in vain: so its tunnel goes over IPv4 where it can, unless somebody prefers where it is.
   */
  #moveToIpv4(session: Session, view: View): void {
    const { now } = this.#facts;
    const isWanted = isPreferred(view.straight.by, this.#facts.settings.live.preferredRanges);
    if (isWanted || !isTranslated(this.#ports.ownPlaces())) return;
    const places = this.#provenInIpv4(session).slice(0, ASIDE_MAX);
    if (places.length === 0 || !this.#moves.take(view, now)) return;
    if (this.#moves.has(view, now)) this.#ask.schedule(nameAddress(session), later(now, SETTLED_MS));
    for (const at of places) this.#emit({ kind: "command", command: testRequest(session, directPath(at)) });
  }

  #provenInIpv4(session: Session): readonly Endpoint[] {
    return this.#ports.provenPlacesOf(nameAddress(session)).filter((at) => familyAt(at) === 4 && !isCarried(at));
  }

  #measure(): void {
    const roundTrips = this.#facts.lighthouses.flatMap((lighthouse) => {
      const session = this.#peers.primaryOf(lighthouse);
      return (session && this.#ports.roundTripMs(session)) ?? [];
    });
    if (roundTrips.length > 0) this.#roundTripMs = toldMs(this.#roundTripMs, Math.min(...roundTrips));
  }

  #sightings(): readonly Sighting[] {
    return [...this.#views.values()].flatMap((view) => view.sightings());
  }

  #classify(): void {
    const before = this.#mapping;
    const v4 = this.#sightings().filter(({ by }) => familyAt(by) === 4);
    this.#mapping = classifyMapping(v4, this.#ports.ownPlaces());
    const { kind, delta, lastPort } = this.#mapping;
    // Whoever calls needs to know how the ports go on; everything else can wait for the next report.
    if (kind === "sequential" && (delta !== before.delta || lastPort !== before.lastPort))
      this.#emit({ kind: "nat-changed" });
  }
}

/** How one lighthouse sees this host. */
class View {
  /** Along the path of its session. */
  readonly straight: Sighting;
  /** From other places of its own: where they saw us. */
  readonly aside = new Map<Endpoint, Endpoint>();
  timesAsked = 0;

  constructor(straight: Sighting) {
    this.straight = straight;
  }

  sightings(): readonly Sighting[] {
    return [this.straight, ...[...this.aside].map(([by, at]) => ({ by, at }))];
  }
}

/** Whether nobody outside can send to us in IPv4 unless something in between lets them. */
function isTranslated(own: readonly Endpoint[]): boolean {
  const inIpv4 = own.map(endpointAddress).filter((address) => familyOf(address) === 4 && !isLoopback(address));
  return inIpv4.length > 0 && !inIpv4.some(isPublic);
}

function familyAt(at: Endpoint): 4 | 6 {
  return familyOf(endpointAddress(at));
}
