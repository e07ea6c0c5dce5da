import { LruMap } from "../../base/lru.ts";
import { earliest, type Instant } from "../../base/time.ts";
import { CalculatedRemotes } from "../../discovery/calculated.ts";
import { Candidates } from "../../discovery/candidates.ts";
import { orderEndpoints } from "../../discovery/endpoint-order.ts";
import type { LocalPlace } from "../../discovery/own-places.ts";
import type { ProbeKind } from "../../discovery/probe-budget.ts";
import { RelayLists } from "../../discovery/relay-lists.ts";
import { type StaticHostSettings, StaticHosts } from "../../discovery/static-hosts.ts";
import { Underlay } from "../../discovery/underlay.ts";
import type { KnownPlaces, RememberedHost } from "../../io.ts";
import type { LighthouseSight } from "../../nat/sight.ts";
import type { IpAddress } from "../../netip/address.ts";
import { type Endpoint, endpointAddress } from "../../netip/endpoint.ts";
import type { CallFailure } from "../../operator/failure.ts";
import { isCarried } from "../../path/carried.ts";
import { endpointOf } from "../../path/path.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import { decodeLighthouseMessage, type LighthouseMessage } from "../../wire/lighthouse.ts";
import type { NatReport } from "../../wire/nat-report.ts";
import type { Facts } from "../facts.ts";
import type { CommonEvent, Emit, Machine } from "../machine.ts";
import { Openings } from "./openings.ts";
import type { DiscoveryPorts } from "./ports.ts";
import { Presence, type PresenceEvent } from "./presence.ts";
import { Serving, type ServingPorts } from "./serving.ts";

export type DiscoveryEvent =
  | CommonEvent
  | { readonly kind: "resolve"; readonly name: string }
  | PresenceEvent
  | { readonly kind: "new-endpoints"; readonly target: IpAddress }
  /** A lighthouse says where it sees us. */
  | { readonly kind: "seen-by-lighthouse"; readonly session: Session; readonly sight: LighthouseSight }
  /** A lighthouse says what it knows about a host that we call, or that is about to call us. */
  | {
      readonly kind: "told-about";
      readonly host: IpAddress;
      readonly lighthouse: IpAddress;
      readonly nat: NatReport | undefined;
      readonly why: "we-call" | "it-calls";
    };

/** After a lighthouse was lost we call it again this soon, instead of with the next report. */
const LIGHTHOUSE_RETRY_MS = 1000;
/** After a lighthouse did not answer a whole call. Reports may be a minute apart; nobody finds us until the next one gets through. */
const LIGHTHOUSE_PAUSE_MS = 5000;
/** Hosts that lighthouses were asked about and may still answer: as many as there are calls at once. */
const ASKED_MAX = 4096;
/** A lighthouse whose own tunnel has to be built first answers within a few seconds. */
const ANSWER_WITHIN_MS = 60_000;
/** Names resolve several at a time: one report for all of them. */
const NAMES_SETTLE_MS = 200;

/** Where others are and where we are: static map, lighthouses asked and told, hole punching (protocol 5, 6). */
export class Discovery implements Machine {
  readonly waitsFor = "reports, names and punches";
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #emit: Emit<DiscoveryEvent>;
  /** Answers for others; present when the configuration says `am_lighthouse`. */
  readonly #serving: Serving | undefined;
  readonly #carriers: DiscoveryPorts["carriers"];
  readonly #ownNat: DiscoveryPorts["ownNat"];
  readonly #underlay: Underlay;
  readonly #candidates: Candidates;
  readonly #relays = new RelayLists();
  /** When lighthouses were last asked where a host is. */
  readonly #asked = new LruMap<IpAddress, Instant>(ASKED_MAX);
  readonly #statics: StaticHosts;
  #calculated: CalculatedRemotes;
  readonly #openings: Openings;
  /** Where we are ourselves. */
  readonly presence: Presence;

  constructor(facts: Facts, peers: Peers, ports: DiscoveryPorts, emit: Emit<DiscoveryEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#carriers = ports.carriers;
    this.#ownNat = ports.ownNat;
    this.#emit = emit;
    this.#serving = ports.lighthouse && new Serving(facts, peers, ports.lighthouse, this.#servingPorts(), emit);
    this.#underlay = new Underlay(facts.ownNetworks, facts.settings.boot.listen.host);
    this.#candidates = new Candidates(this.#underlay);
    this.#statics = new StaticHosts(this.#staticSettings(), facts.now);
    this.#calculated = new CalculatedRemotes(facts.settings.live.lighthouse.calculatedRemotes);
    this.presence = new Presence(facts, emit);
    this.#openings = new Openings(facts, this, emit);
    this.#refreshStatics();
  }

  /** Endpoints to call this host at, best first: those that are known, and those of its sessions; never our own, none that is not allowed. */
  endpointsOf(target: IpAddress): readonly Endpoint[] {
    const own = new Set([...this.ownEndpoints(), ...this.presence.all()]);
    const known = this.#knownEndpoints(target).filter((other) => !own.has(other));
    const proven = this.#peers.sessionsOf(target).flatMap(({ provenPath }) => endpointOf(provenPath) ?? []);
    const paths = proven.filter((at) => !isCarried(at));
    const all = paths.length === 0 ? known : this.#ordered([...known, ...paths]);
    return [...this.#allowed([target], all), ...this.#carriers.placesOf(target)];
  }

  /** Through whom this host says that it can be reached, if we use relays at all; nobody is a relay to itself. */
  relaysOf(target: IpAddress): readonly IpAddress[] {
    const { settings, ownAddresses } = this.#facts;
    if (!settings.live.relay.useRelays) return [];
    const all = new Set([...this.#relays.relaysOf(target), ...this.#carriers.relays()]);
    return [...all].filter((relay) => relay !== target && !ownAddresses.includes(relay));
  }

  /** Where hosts may be. */
  places(): readonly KnownPlaces[] {
    return [...this.#candidates.entries()];
  }

  /** Hosts whose own packets have come, and from where. */
  get met(): Pick<Candidates, "learnedOf" | "hostsMet"> {
    return this.#candidates;
  }

  /** An operator says that this host is there. */
  told(target: IpAddress, at: Endpoint): void {
    const [own] = this.#facts.ownAddresses;
    if (own !== undefined) this.#candidates.report(target, own, [at]);
    this.#emit({ kind: "new-endpoints", target });
  }

  /** Whether more than somebody's word says that this host is there: the configuration, or packets of its own. */
  isProven(target: IpAddress, at: Endpoint): boolean {
    if (isCarried(at) || this.#candidates.isProven(target, at) || this.#calculatedFor(target).includes(at)) return true;
    return this.#peers.sessionsOf(target).some(({ provenPath }) => endpointOf(provenPath) === at);
  }

  /** Whose word says that this host is there. */
  namedBy(target: IpAddress, at: Endpoint): readonly IpAddress[] {
    return this.#candidates.ownersOf(target, at);
  }

  /** One more datagram of this kind to a place that `owner` has named; false when it must not be sent. */
  mayProbe(kind: ProbeKind, owner: IpAddress, at: Endpoint): boolean {
    return this.#openings.mayProbe(kind, owner, at);
  }

  /** Whether this host may be there, whoever says so. */
  isPossible(target: IpAddress, at: Endpoint): boolean {
    return this.isPlausible(at) && this.#allowed([target], [at]).length > 0;
  }

  /** Whether one machine may be there. */
  isPlausible(at: Endpoint): boolean {
    return this.#underlay.isPlausible(at);
  }

  /** Whether a byte may go there, to see whether the host is. Counts it. */
  mayVisit(target: IpAddress, at: Endpoint): boolean {
    return this.#openings.punchable(target, [at]).length > 0;
  }

  /** For a session's memo: what is known beside the session itself. */
  rememberedEndpoints(session: Session): readonly Endpoint[] {
    return this.#knownEndpoints(nameAddress(session));
  }

  /** A session's memo knew these. */
  recall(session: Session, endpoints: readonly Endpoint[]): void {
    for (const address of session.addresses) this.#candidates.report(address, nameAddress(session), endpoints);
  }

  /** Hosts that were known when this one last ran. Nobody's word has to be asked again for where their packets came from. */
  recallHosts(hosts: readonly RememberedHost[]): void {
    const [own] = this.#facts.ownAddresses;
    for (const { addresses, endpoints, relays } of hosts) {
      const allowed = this.#allowed(addresses, endpoints);
      for (const at of [...allowed].reverse()) this.#candidates.learned(addresses, at);
      if (own !== undefined) for (const address of addresses) this.#relays.report(address, own, relays);
    }
  }

  /** Whether an endpoint may still turn up: a lighthouse that can be asked, a name that has not resolved yet. */
  mayStillHearOf(target: IpAddress): boolean {
    return this.#lighthousesFor(target).length > 0 || this.#statics.awaitsName(target);
  }

  /** What static_host_map says about this host, for people. */
  writtenPlaces(target: IpAddress): readonly string[] {
    return this.#statics.written(target);
  }

  /** Why no endpoint of this host is known. */
  whyNowhere(target: IpAddress): Extract<CallFailure, { reason: "no-endpoint-known" }>["why"] {
    const { hosts } = this.#facts.settings.live.lighthouse;
    const known = this.#knownEndpoints(target);
    if (this.#allowed([target], known).length < known.length) return "not-allowed";
    if (this.#candidates.isOutOfReach(target)) return "out-of-reach";
    if (this.#statics.awaitsName(target)) return "names-do-not-resolve";
    if (this.#statics.has(target)) return "no-place-for-another";
    if (hosts.length === 0) return "nobody-to-ask";
    if (this.#facts.isLighthouse(target)) return "lighthouse-without-endpoint";
    if (!hosts.some((host) => this.#peers.primaryOf(host))) return "no-lighthouse-connected";
    return "unknown-to-lighthouses";
  }

  /**
   * Asks every lighthouse. Only lighthouses are called for it, and they are never asked about: discovery does not cause discovery
   * (reliability R25).
   */
  ask(target: IpAddress): void {
    this.#asked.set(target, this.#facts.now);
    for (const to of this.#lighthousesFor(target)) this.#emit({ kind: "send", to, parcel: { kind: "query", target } });
  }

  /** What we tell lighthouses: configured addresses first, then those of our interfaces (protocol 5.3). */
  ownEndpoints(): readonly Endpoint[] {
    const all = [...this.#statics.advertised(this.#facts.udpPort ?? 0), ...this.presence.told()];
    return [...new Set(all.filter((own) => this.#underlay.isPlausible(own)))];
  }

  /** A lighthouse message of a peer. */
  received(session: Session, body: Uint8Array, heard: number): void {
    const decoded = decodeLighthouseMessage(body);
    if (!decoded.ok) {
      const { name } = session.peer;
      this.#emit({ kind: "tell", event: { code: "lighthouse-message-malformed", name, reason: decoded.reason } });
      return;
    }
    const { message, dialect } = decoded.value;
    if (message.kind === "host-query-reply") this.#replied(session, message);
    if (message.kind === "host-punch") this.#notified(session, message);
    else if (message.kind === "host-update-ack") this.#seen(session, message.seen, message.tellsBindings);
    else this.#serving?.serve(session, { message, dialect, body, heard });
  }

  resolved(name: string, addresses: readonly IpAddress[]): void {
    if (!this.#statics.resolved(name, addresses)) return;
    this.#refreshStatics();
    for (const target of this.#statics.hosts()) this.#emit({ kind: "new-endpoints", target });
    this.presence.hurry(NAMES_SETTLE_MS);
  }

  /** Our interfaces have other addresses, or packets leave by another way. */
  localAddresses(place: LocalPlace): void {
    if (this.presence.replace(place)) this.#statics.moved(this.#facts.now);
    this.#underlay.setLocalNetworks(place.networks ?? [], this.presence.outward());
  }

  /** The configuration's static part may be another one, and the rhythm of reports. */
  reload(): void {
    for (const host of this.#statics.hosts()) this.#candidates.forgetStatic(host);
    this.#statics.replace(this.#staticSettings(), this.#facts.now);
    this.#refreshStatics();
    this.#calculated = new CalculatedRemotes(this.#facts.settings.live.lighthouse.calculatedRemotes);
    this.presence.reload();
    if (this.#facts.udpPort !== undefined) this.start();
  }

  /** Starts to report. */
  start(): void {
    this.presence.start();
  }

  stop(): void {
    this.presence.stop();
    this.#openings.clear();
  }

  sessionUp(session: Session): void {
    const to = this.#lighthouseAddress(session);
    if (to && this.presence.isReporting) this.#emit({ kind: "send", to, parcel: { kind: "announcement" } });
  }

  peerDown(session: Session): void {
    this.#serving?.closed(session);
    if (this.#lighthouseAddress(session)) this.presence.hurry(LIGHTHOUSE_RETRY_MS);
  }

  /** A host was called in vain. */
  callFailed(target: IpAddress): void {
    if (this.#facts.isLighthouse(target)) this.presence.hurry(LIGHTHOUSE_PAUSE_MS);
  }

  /** The peer's authenticated packets come from here. */
  learned(session: Session, at: Endpoint): void {
    if (!this.#facts.allowedRemotes.allows(session.addresses, endpointAddress(at))) return;
    this.#candidates.learned(session.addresses, at);
    this.#serving?.learned(session, at);
  }

  /** `punchy.punch`; not to lighthouses, whose reports do the same. */
  keepAlive(session: Session, options: { readonly path: boolean }): void {
    if (!this.#lighthouseAddress(session)) this.#openings.keepAlive(session, options);
  }

  nextAt(): Instant | undefined {
    return earliest(this.presence.nextAt(), this.#statics.nextAt(), this.#openings.nextAt());
  }

  tick(): void {
    const { now } = this.#facts;
    for (const name of this.#statics.takeDue(now)) this.#emit({ kind: "resolve", name });
    this.presence.tick();
    for (const to of this.#openings.tick()) this.#emit({ kind: "send", to, parcel: { kind: "test" } });
  }

  #replied(session: Session, reply: Extract<LighthouseMessage, { kind: "host-query-reply" }>): void {
    const { ownAddresses, now } = this.#facts;
    if (ownAddresses.includes(reply.target)) this.#seen(session, reply.endpoints);
    if (!this.#lighthouseAddress(session) || ownAddresses.includes(reply.target)) return;
    // What nobody wants to know could only push out what somebody does.
    const askedAt = this.#asked.get(reply.target);
    if (askedAt === undefined || now - askedAt > ANSWER_WITHIN_MS) return;
    this.#candidates.report(reply.target, nameAddress(session), reply.endpoints);
    this.#relays.report(reply.target, nameAddress(session), reply.relays);
    this.#toldAbout(session, reply.target, reply.nat, "we-call");
    this.#emit({ kind: "new-endpoints", target: reply.target });
  }

  #notified(session: Session, punch: Extract<LighthouseMessage, { kind: "host-punch" }>): void {
    const { ownAddresses } = this.#facts;
    if (!this.#lighthouseAddress(session) || ownAddresses.includes(punch.address)) return;
    // Learned and reported addresses are often the same.
    const own = new Set(this.ownEndpoints());
    const plausible = new Set(
      punch.endpoints.filter((at) => this.#underlay.isPlausible(at) && this.#underlay.canReach(at)),
    );
    const endpoints = this.#allowed([punch.address], [...plausible]).filter((other) => !own.has(other));
    const notice = { lighthouse: nameAddress(session), host: punch.address, endpoints, nat: punch.nat };
    this.#openings.notified({ ...notice, own: this.#ownNat() });
    this.#toldAbout(session, punch.address, punch.nat, "it-calls");
  }

  /** The first place of a family is where the lighthouse sees us itself, if it does not come from our own report. */
  #seen(session: Session, places: readonly Endpoint[], tellsBindings = false): void {
    if (!this.#lighthouseAddress(session) || places.length === 0) return;
    this.#emit({ kind: "seen-by-lighthouse", session, sight: { places, tellsBindings } });
  }

  #toldAbout(session: Session, host: IpAddress, nat: NatReport | undefined, why: "we-call" | "it-calls"): void {
    this.#emit({ kind: "told-about", host, lighthouse: nameAddress(session), nat, why });
  }

  #servingPorts(): ServingPorts {
    return {
      reported: (session, { endpoints, relays }) => {
        this.recall(session, endpoints);
        for (const address of session.addresses) this.#relays.report(address, nameAddress(session), relays);
      },
      allowed: (host, endpoints) => this.#allowed(host, endpoints),
    };
  }

  /** Lighthouses that may know the target: none for a lighthouse itself (protocol 5.4). One that names others is their host as well. */
  #lighthousesFor(target: IpAddress): readonly IpAddress[] {
    return this.#facts.isLighthouse(target) ? [] : this.#facts.lighthouses;
  }

  /** The configured address of a peer that is one of our lighthouses. */
  #lighthouseAddress({ addresses }: Session): IpAddress | undefined {
    return addresses.find((address) => this.#facts.isLighthouse(address));
  }

  #staticSettings(): StaticHostSettings {
    const { live } = this.#facts.settings;
    return { ...live, advertise: live.lighthouse.advertise };
  }

  #refreshStatics(): void {
    const places = new Map([...this.#statics.hosts()].map((host) => [host, this.#statics.endpointsOf(host)]));
    this.#underlay.setConfigured(this.#statics.asWritten());
    for (const [host, endpoints] of places) this.#candidates.setStatic(host, endpoints);
  }

  #allowed(host: readonly IpAddress[], endpoints: readonly Endpoint[]): readonly Endpoint[] {
    if (this.#facts.allowedRemotes.allowsAll) return endpoints;
    return endpoints.filter((at) => this.#facts.allowedRemotes.allows(host, endpointAddress(at)));
  }

  #knownEndpoints(target: IpAddress): readonly Endpoint[] {
    const known = this.#candidates.endpointsOf(target, this.#preferred());
    const calculated = this.#calculatedFor(target);
    return calculated.length === 0 ? known : this.#ordered([...known, ...calculated]);
  }

  /** Not for hosts in the static map: whoever wrote down where they are has to calculate nothing. */
  #calculatedFor(target: IpAddress): readonly Endpoint[] {
    if (this.#statics.has(target)) return [];
    return this.#calculated.of(target).filter((at) => this.#underlay.isUsable(at));
  }

  #ordered(endpoints: readonly Endpoint[]): readonly Endpoint[] {
    return orderEndpoints(endpoints, this.#preferred(), this.#underlay.near);
  }

  #preferred(): Facts["settings"]["live"]["preferredRanges"] {
    return this.#facts.settings.live.preferredRanges;
  }
}
