import { type Instant, instant, later } from "../../base/time.ts";
import type { IpAddress } from "../../netip/address.ts";
import { formatPrefix } from "../../netip/prefix.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import type { Gateway, Route } from "../../route/route.ts";
import type { Facts } from "../facts.ts";
import type { CommonEvent, Emit, Machine, ProbeEvent, SendEvent } from "../machine.ts";
import { carries, type GatewayState, type RouteStatus } from "./route-status.ts";

export type GatewaysEvent = CommonEvent | SendEvent | ProbeEvent;

/** What it asks others: how long the way to a peer and back takes. */
export interface GatewaysPorts {
  readonly roundTripMs: (session: Session) => number | undefined;
}

/** Silence, once noticed, after which flows leave a gateway for another one. Noticing takes two samples of half a second. */
const LEAVE_AFTER_MS = 900;
/** It is asked so often meanwhile: one lost packet is no silence. */
const ASK_EVERY_MS = 300;
/** A gateway without a session is called again after this while another one of its route is in use. */
const CALL_EVERY_MS = 10_000;

/**
 * Which gateways flows are shared among. Of routes with several it leaves out, as long as another one is left: who has fallen silent, and whose
 * certificate does not carry the network. And it keeps tunnels to all of them while one is used, so that there is somewhere to go. Which of them a
 * flow takes, and that it stays there, is the data plane's business (SEMANTICS 3.2).
 */
export class Gateways implements Machine {
  readonly waitsFor = "gateways";
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #ports: GatewaysPorts;
  readonly #emit: Emit<GatewaysEvent>;
  /** Of routes with several gateways: each gateway, with the others that may stand in for it. */
  #others: ReadonlyMap<IpAddress, ReadonlySet<IpAddress>> = new Map();
  /** Sessions of those that do not answer: since when, and when they are asked next. */
  readonly #silent = new Map<Session, { readonly since: Instant; askAt: Instant }>();
  /** Those that flows have left. */
  readonly #left = new Set<IpAddress>();
  #callAt: Instant | undefined;
  #applied = "";

  constructor(facts: Facts, peers: Peers, ports: GatewaysPorts, emit: Emit<GatewaysEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#ports = ports;
    this.#emit = emit;
  }

  /** Other routes are in force, or another data plane. */
  reload(): void {
    const others = new Map<IpAddress, Set<IpAddress>>();
    for (const { target } of this.#facts.routes.routes) {
      if (target.kind !== "gateways" || target.gateways.length < 2) continue;
      for (const { address } of target.gateways) {
        const known = others.get(address) ?? new Set();
        others.set(address, known);
        for (const other of target.gateways) if (other.address !== address) known.add(other.address);
      }
    }
    this.#others = others;
    for (const address of this.#left) if (!others.has(address)) this.#left.delete(address);
    this.#callAt = others.size > 0 ? later(this.#facts.now, CALL_EVERY_MS) : undefined;
    this.#applied = "";
    this.#apply();
  }

  /** Packets wait for a session with this host. If it is a gateway, another one may be there sooner. */
  needed(address: IpAddress): void {
    this.#callOthers(address);
  }

  /** A session that sends has begun to be doubted. */
  fellSilent(session: Session): void {
    const watched = this.#watchedOf(session);
    if (watched.length === 0 || this.#silent.has(session)) return;
    const { now } = this.#facts;
    this.#silent.set(session, { since: now, askAt: later(now, ASK_EVERY_MS) });
    for (const address of watched) this.#callOthers(address);
  }

  /** Something authentic came from there. */
  heard(session: Session): void {
    if (this.#silent.delete(session)) this.#settle(session);
  }

  sessionUp(session: Session): void {
    const watched = this.#watchedOf(session);
    if (watched.length === 0) return;
    this.#settle(session);
    for (const address of watched) this.#callOthers(address);
  }

  /** The data plane knows by itself whom it has no session with. */
  sessionGone(session: Session): void {
    this.#silent.delete(session);
    const watched = this.#watchedOf(session);
    if (watched.length === 0) return;
    for (const address of watched) if (!this.#peers.primaryOf(address)) this.#left.delete(address);
    this.#apply();
  }

  stop(): void {
    this.#silent.clear();
    this.#left.clear();
    this.#callAt = undefined;
  }

  nextAt(): Instant | undefined {
    let next = this.#callAt;
    for (const [session, { since, askAt }] of this.#silent) {
      const leaveAt = later(since, this.#patienceMs(session));
      const at = this.#hasLeft(session) ? undefined : Math.min(leaveAt, askAt);
      if (at !== undefined && (next === undefined || at < next)) next = instant(at);
    }
    return next;
  }

  tick(): void {
    const { now } = this.#facts;
    for (const [session, silence] of this.#silent) {
      if (this.#hasLeft(session)) continue;
      if (now - silence.since >= this.#patienceMs(session)) this.#leave(session);
      else if (now >= silence.askAt) {
        silence.askAt = later(now, ASK_EVERY_MS);
        this.#emit({ kind: "probe", session, pingId: undefined });
      }
    }
    if (this.#callAt === undefined || now < this.#callAt) return;
    this.#callAt = later(now, CALL_EVERY_MS);
    for (const address of this.#others.keys()) if (this.#peers.primaryOf(address)) this.#callOthers(address);
  }

  /** Each route with gateways, and how they are. */
  describe(): readonly RouteStatus[] {
    return this.#facts.routes.routes.flatMap(({ prefix, target }) =>
      target.kind === "gateways"
        ? [{ prefix, gateways: target.gateways.map((gateway) => this.#statusOf(gateway, prefix)) }]
        : [],
    );
  }

  #statusOf({ address, weight }: Gateway, prefix: Route["prefix"]): RouteStatus["gateways"][number] {
    const session = this.#peers.primaryOf(address);
    const state = (): GatewayState => {
      if (!session) return "no-tunnel";
      if (!carries(session.peer, prefix)) return "not-in-certificate";
      return this.#left.has(address) ? "silent" : "up";
    };
    return { address, weight, name: session?.peer.name, state: state() };
  }

  #leave(session: Session): void {
    for (const address of this.#watchedOf(session)) this.#left.add(address);
    const routes = this.#routesThrough(session);
    const { name } = session.peer;
    this.#emit({ kind: "tell", event: { code: "gateway-left", name, address: nameAddress(session), routes } });
    this.#apply();
  }

  /** It is as good as any again, or gone. */
  #settle(session: Session): void {
    const returned = this.#watchedOf(session).filter((address) => this.#left.delete(address));
    if (returned.length > 0) {
      const event = { code: "gateway-back", name: session.peer.name, address: nameAddress(session) } as const;
      this.#emit({ kind: "tell", event });
    }
    this.#apply();
  }

  #callOthers(address: IpAddress): void {
    for (const to of this.#others.get(address) ?? [])
      if (!this.#peers.primaryOf(to) && !this.#peers.find(to)?.call)
        this.#emit({ kind: "send", to, parcel: { kind: "test" } });
  }

  /** Tells the data plane when something is left out that was not, or the other way round. */
  #apply(): void {
    if (this.#facts.udpPort === undefined) return;
    const leftOut: string[] = [];
    const routes = this.#facts.routes.routes.map((route) => {
      const { prefix, target } = route;
      if (target.kind !== "gateways" || target.gateways.length < 2) return route;
      const gateways = target.gateways.filter(({ address }) => this.#isUsable(address, route));
      if (gateways.length === 0 || gateways.length === target.gateways.length) return route;
      leftOut.push(`${formatPrefix(prefix)} ${gateways.map(({ address }) => address).join()}`);
      return { prefix, target: { kind: "gateways", gateways } } as const;
    });
    const applied = `routes ${leftOut.join(" ")}`;
    if (applied === this.#applied) return;
    this.#applied = applied;
    this.#emit({ kind: "command", command: { kind: "apply-routes", routes } });
  }

  #isUsable(address: IpAddress, { prefix }: Route): boolean {
    const session = this.#peers.primaryOf(address);
    return !this.#left.has(address) && (!session || carries(session.peer, prefix));
  }

  #watchedOf({ addresses }: Session): readonly IpAddress[] {
    return this.#others.size === 0 ? [] : addresses.filter((address) => this.#others.has(address));
  }

  #hasLeft(session: Session): boolean {
    return session.addresses.some((address) => this.#left.has(address));
  }

  #routesThrough({ addresses }: Session): number {
    const isThere = ({ target }: Route): boolean =>
      target.kind === "gateways" && target.gateways.some(({ address }) => addresses.includes(address));
    return this.#facts.routes.routes.filter(isThere).length;
  }

  #patienceMs(session: Session): number {
    return Math.max(LEAVE_AFTER_MS, 2 * (this.#ports.roundTripMs(session) ?? 0));
  }
}
