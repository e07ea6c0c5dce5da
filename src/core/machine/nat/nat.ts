import { LruMap } from "../../base/lru.ts";
import { type Instant, later } from "../../base/time.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import { classifyMapping, type Mapping, type Sighting } from "../../nat/classify.ts";
import type { NatStatus } from "../../nat/nat-status.ts";
import { familyOf, type IpAddress } from "../../netip/address.ts";
import { type Endpoint, endpointAddress, endpointPort } from "../../netip/endpoint.ts";
import { isCarried } from "../../path/carried.ts";
import { endpointOf } from "../../path/path.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
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
}

/** A lighthouse of ours says where it sees us in answer to every report; one that does not is asked after this long. */
const ASK_AT_FIRST_MS = 1_000;
const ASK_AGAIN_MS = 60_000;
/** Peers whose translators are remembered. */
const PEERS_MAX = 4_096;

/** What address translators do to this host and to its peers, from what lighthouses see. */
export class Nat implements Machine {
  readonly waitsFor = "sight of ourselves";
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #ports: NatPorts;
  readonly #emit: Emit<NatEvent>;
  /** By lighthouse and family. */
  readonly #sightings = new Map<string, Sighting>();
  readonly #reports = new LruMap<IpAddress, NatReport>(PEERS_MAX);
  readonly #ask = new TimerQueue<IpAddress>();
  /** Lighthouses with a tunnel that have said anything. */
  readonly #heard = new Set<IpAddress>();
  #mapping: Mapping = classifyMapping([], []);

  constructor(facts: Facts, peers: Peers, ports: NatPorts, emit: Emit<NatEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#ports = ports;
    this.#emit = emit;
  }

  /** What there is to tell others about ours; who knows nothing yet tells them at least that it is one who heeds such words. */
  get own(): NatReport {
    const { kind: mapping, delta, lastPort } = this.#mapping;
    return { ...UNKNOWN_NAT, mapping, delta, lastPort };
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
    const seenAt = [...new Set([...this.#sightings.values()].map(({ at }) => at))];
    const ports = seenAt.filter((at) => familyOf(endpointAddress(at)) === 4).map(endpointPort);
    const keepsPort = ports.length === 0 ? undefined : ports.every((port) => port === this.#facts.udpPort);
    return { ...this.own, seenAt, keepsPort };
  }

  /** A lighthouse says what a host has told it about its translator. */
  told(peer: IpAddress, report: NatReport): void {
    this.#reports.set(peer, report);
  }

  /** A lighthouse says where it sees us. What counts is the family in which we talk to it. */
  seen(session: Session, places: readonly Endpoint[]): void {
    const name = nameAddress(session);
    const by = endpointOf(session.path);
    for (const address of session.addresses) if (this.#facts.isLighthouse(address)) this.#heard.add(address);
    this.#ask.schedule(name, later(this.#facts.now, ASK_AGAIN_MS));
    // Over TCP it does not see where our datagrams come from.
    if (by === undefined || isCarried(by)) return;
    const family = familyOf(endpointAddress(by));
    const at = places.find((place) => familyOf(endpointAddress(place)) === family);
    if (at === undefined) return;
    this.#sightings.set(`${name} ${family}`, { by, at });
    this.#classify();
  }

  sessionUp(session: Session): void {
    this.#askSoon(nameAddress(session));
  }

  peerDown(session: Session): void {
    const name = nameAddress(session);
    this.#ask.cancel(name);
    for (const address of session.addresses) this.#heard.delete(address);
    for (const family of [4, 6]) this.#sightings.delete(`${name} ${family}`);
    this.#classify();
  }

  /** We are somewhere else: whatever was seen was seen there. */
  moved(): void {
    this.#sightings.clear();
    this.#classify();
    for (const name of this.#facts.lighthouses) if (this.#peers.primaryOf(name)) this.#askSoon(name);
  }

  stop(): void {
    this.#heard.clear();
    this.#sightings.clear();
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

  #classify(): void {
    const before = this.#mapping;
    const v4 = [...this.#sightings].flatMap(([key, sighting]) => (key.endsWith(" 4") ? sighting : []));
    this.#mapping = classifyMapping(v4, this.#ports.ownPlaces());
    const { kind, delta, lastPort } = this.#mapping;
    // Whoever calls needs to know how the ports go on; everything else can wait for the next report.
    if (kind === "sequential" && (delta !== before.delta || lastPort !== before.lastPort))
      this.#emit({ kind: "nat-changed" });
  }
}
