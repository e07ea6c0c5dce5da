import { LruMap } from "../../base/lru.ts";
import type { CertificateVersion } from "../../cert/certificate.ts";
import type { IpAddress } from "../../netip/address.ts";
import { type RelayedPath, samePath } from "../../path/path.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import type { RelayRequest } from "../../wire/relay-control.ts";
import type { Facts } from "../facts.ts";
import type { Emit } from "../machine.ts";
import type { RelaysEvent, RelaysPorts } from "./events.ts";
import { after, type Leg, pathOf } from "./leg.ts";
import type { Legs } from "./legs.ts";
import type { Workshop } from "./workshop.ts";

/** Relays that hosts are waiting for. Each is called for them, and calls are as many at most. */
const AWAITED_RELAYS_MAX = 4_096;
/** Hosts that wait for one relay. */
const AWAITING_HOSTS_MAX = 256;

/** The legs that end here: ways to hosts behind relays, for calls to them and for sessions with them. */
export class Ends {
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #ports: RelaysPorts;
  readonly #legs: Legs;
  readonly #workshop: Workshop;
  readonly #emit: Emit<RelaysEvent>;
  /** Hosts to ask a relay for as soon as there is a tunnel to it. */
  readonly #awaiting = new LruMap<IpAddress, Set<IpAddress>>(AWAITED_RELAYS_MAX);

  constructor(
    facts: Facts,
    peers: Peers,
    ports: RelaysPorts,
    own: { readonly legs: Legs; readonly workshop: Workshop; readonly emit: Emit<RelaysEvent> },
  ) {
    this.#facts = facts;
    this.#peers = peers;
    this.#ports = ports;
    this.#legs = own.legs;
    this.#workshop = own.workshop;
    this.#emit = own.emit;
  }

  /** Asks every relay of this host for a way to it; those that have given one are asked only for `again`. */
  seek(target: IpAddress, options: { readonly again: boolean }): void {
    for (const relay of this.#ports.relaysOf(target)) this.#ask(relay, target, options.again);
  }

  /** The ways to this host that stand, one through each relay. */
  ways(target: IpAddress): readonly RelayedPath[] {
    return this.#standing([target]).flatMap((leg) => pathOf(leg) ?? []);
  }

  /** Who the way that something came is supposed to lead to. */
  farOf(path: RelayedPath): IpAddress | undefined {
    return this.#legOf(path)?.far;
  }

  /** Something authentic of the far side has come this way. */
  provenBy(path: RelayedPath): void {
    const leg = this.#legOf(path, { evenLost: true });
    if (leg) leg.state = after(leg.state, { is: "far-ready" }, "end");
  }

  /** A neighbour wants to be the relay of whoever asks. Any index is as good as the one before: what comes through proves itself. */
  asked(session: Session, { from, to, initiatorIndex }: RelayRequest, dialect: CertificateVersion): void {
    const relay = nameAddress(session);
    if (this.#facts.ownAddresses.includes(from) || session.addresses.includes(from)) return;
    const leg = this.#workshop.open(session, from, "end", relay);
    if (!leg) return;
    leg.owes = { from, to, dialect };
    leg.state = after(leg.state, { is: "asked", remoteIndex: initiatorIndex }, "end");
    this.#stands(leg);
    this.#workshop.answer(leg);
  }

  answered(leg: Leg, remoteIndex: number): void {
    leg.state = after(leg.state, { is: "answered", remoteIndex }, "end");
    this.#stands(leg);
  }

  /** A session with a host stands: what it is to relay for us is asked for on this one, and who waited for it is told. */
  sessionUp(session: Session): void {
    const wanted = new Set<IpAddress>();
    for (const address of session.addresses) {
      for (const target of this.#awaiting.peek(address) ?? []) wanted.add(target);
      this.#awaiting.delete(address);
    }
    for (const older of this.#peers.sessionsOf(nameAddress(session)))
      for (const leg of this.#legs.on(older))
        if (leg.role === "end" && leg.state.at !== "disestablished") wanted.add(leg.far);
    for (const target of wanted) this.#askOn(session, target, false);
  }

  /** A session is gone, and the data plane has forgotten what was on it: whoever was reached through it is looked for elsewhere. */
  sessionGone(gone: Session): void {
    const lost = this.#legs.on(gone).filter(({ role }) => role === "end");
    for (const leg of lost) this.#legs.remove(leg);
    for (const far of new Set(lost.map((leg) => leg.far))) {
      if (!this.#peers.sessionsOf(far).some(({ path }) => path?.kind === "relayed")) continue;
      this.#repath(far);
      this.seek(far, { again: false });
    }
  }

  /** The last session with this host is gone. */
  peerDown(session: Session): void {
    for (const address of session.addresses)
      for (const leg of this.#legs.to(address, "end")) leg.state = after(leg.state, { is: "far-lost" }, "end");
  }

  /** Nothing comes back on this session: other ways are made ready, and one of them is tried if this one leads through a relay. */
  silent(session: Session): void {
    const name = nameAddress(session);
    if (this.#peers.isPrimary(session)) this.seek(name, { again: session.path?.kind === "relayed" });
    if (session.path?.kind === "relayed") this.#detour(session);
    for (const leg of this.#legs.on(session))
      if (leg.role === "end")
        for (const user of this.#peers.sessionsOf(leg.far)) if (samePath(user.path, pathOf(leg))) this.#detour(user);
  }

  #ask(relay: IpAddress, target: IpAddress, again: boolean): void {
    this.#emit({ kind: "relay-sought", relay });
    const session = this.#peers.primaryOf(relay);
    if (session) {
      const isAskedInVain = this.#legs.find(session, this.#askedAs(session, target), "end")?.state.at === "requested";
      this.#askOn(session, target, again);
      if (isAskedInVain) this.#askOnOthers(session, target);
      return;
    }
    const hosts = this.#awaiting.getOrMake(relay, () => new Set());
    if (hosts.size < AWAITING_HOSTS_MAX) hosts.add(target);
    if (!this.#peers.find(relay)?.call) this.#emit({ kind: "call-anew", target: relay, version: undefined });
  }

  /**
   * After two crossed calls a relay may send on another session than we do, and old releases lead nobody over any but that (Nebula 1.6 never settles on
   * one): who gets no answer asks on all of them.
   */
  #askOnOthers(session: Session, target: IpAddress): void {
    for (const other of this.#peers.sessionsOf(nameAddress(session)))
      if (other !== session && other.state.at === "live" && !this.#ports.isSuspect(other))
        this.#askOn(other, target, false);
  }

  /** Nobody is reached through two relays: one that is itself behind a relay is none for us. */
  #askOn(session: Session, host: IpAddress, again: boolean): void {
    const [from] = this.#facts.ownAddresses;
    const target = this.#askedAs(session, host);
    if (session.path?.kind !== "direct" || session.addresses.includes(target) || from === undefined) return;
    const leg = this.#workshop.open(session, target, "end", nameAddress(session));
    if (!leg || (leg.state.at === "established" && !again)) return;
    this.#workshop.ask(leg, { from, to: target }, session.peer.version);
  }

  /**
   * What this neighbour was asked for, of a host with several addresses. It has one leg for the host, whatever that is called: asked for another address it
   * would send on another index at once, and we take nothing there before we have read its answer.
   */
  #askedAs(session: Session, target: IpAddress): IpAddress {
    const names = this.#peers.primaryOf(target)?.addresses ?? [target];
    return this.#legs.on(session).find(({ role, far }) => role === "end" && names.includes(far))?.far ?? target;
  }

  /** A leg stands: frames on it are taken, calls go through it, and sessions whose way is lost come back. */
  #stands(leg: Leg): void {
    const { far } = leg;
    this.#workshop.tellDataPlane(leg, { kind: "terminal", peer: far });
    this.#repath(far);
    this.#emit({ kind: "new-ways", target: far });
  }

  /** Sessions with this host whose relayed way is gone, or is about to go with an older session, take the best one that stands. */
  #repath(far: IpAddress): void {
    for (const session of this.#peers.sessionsOf(far)) {
      if (session.path?.kind !== "relayed") continue;
      const { path } = session;
      const ways = this.#standing(session.addresses);
      const relay = this.#peers.session(path.session);
      const better = relay && ways.find((leg) => nameAddress(leg.session) === nameAddress(relay));
      const best = better ?? (this.#legOf(path) ? undefined : ways[0]);
      if (best) this.#use(session, best);
    }
  }

  /** Another way for this session, if one stands through a relay that answers: the next one in turn. */
  #detour(session: Session): void {
    const { path } = session;
    const ways = this.#standing(session.addresses).filter((leg) => !this.#ports.isSuspect(leg.session));
    const at = ways.findIndex((leg) => samePath(pathOf(leg), path));
    const next = ways[(at + 1) % ways.length];
    if (next) this.#use(session, next);
  }

  #use(session: Session, leg: Leg): void {
    const path = pathOf(leg);
    if (path && !samePath(path, session.path)) this.#emit({ kind: "use-path", session, path });
  }

  /** Legs to a host that stand, one of each relay: the one on the session that sends, else the newest. */
  #standing(addresses: readonly IpAddress[]): readonly Leg[] {
    const byRelay = new Map<IpAddress, Leg>();
    for (const address of addresses)
      for (const leg of this.#legs.to(address, "end")) {
        if (leg.state.at !== "established" || leg.session.path?.kind !== "direct") continue;
        const relay = nameAddress(leg.session);
        if (!byRelay.has(relay) || this.#peers.isPrimary(leg.session)) byRelay.set(relay, leg);
      }
    return [...byRelay.values()];
  }

  #legOf({ session, relayIndex }: RelayedPath, options: { readonly evenLost?: boolean } = {}): Leg | undefined {
    return this.#legs
      .on({ localIndex: session })
      .find(
        ({ role, state }) =>
          role === "end" &&
          state.at !== "requested" &&
          state.remoteIndex === relayIndex &&
          (options.evenLost || state.at === "established"),
      );
  }
}
