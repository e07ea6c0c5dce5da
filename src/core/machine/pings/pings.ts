import { type Instant, later } from "../../base/time.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import type { PingResult, PingTarget } from "../../io.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { CallFailure, PingFailure, RefusedPlace } from "../../operator/failure.ts";
import { endpointOf } from "../../path/path.ts";
import type { Place } from "../../path/place.ts";
import { misanswered } from "../../peer/call.ts";
import { addressesOfNamed } from "../../peer/named-hosts.ts";
import type { Peers } from "../../peer/peer.ts";
import { relayOn } from "../../peer/place.ts";
import { nameAddress, type Session } from "../../peer/session.ts";
import { reachOf } from "../../route/reach.ts";
import type { Facts } from "../facts.ts";
import type { Emit, Machine, ProbeEvent, SendEvent } from "../machine.ts";

export type PingsEvent =
  | { readonly kind: "pong"; readonly id: number; readonly result: PingResult }
  | { readonly kind: "ping-failed"; readonly id: number; readonly failure: PingFailure; readonly whom: PingedHost }
  | SendEvent
  | ProbeEvent;

/** What it asks about this machine's own system. */
export interface PingsPorts {
  /** Of these places those to which it did not send since then. */
  refusedOf(places: Iterable<Place>, since: Instant): readonly RefusedPlace[];
  /** What there is to say of a call that has not come to an end. */
  failureTo(target: IpAddress): CallFailure | undefined;
}

/** Who was pinged, as far as that is known. */
export interface PingedHost {
  readonly name: string | undefined;
  readonly address: IpAddress | undefined;
}

interface Ping {
  readonly id: number;
  readonly address: IpAddress;
  readonly startedAt: Instant;
  progress:
    | { readonly at: "calling" }
    | { readonly at: "waiting"; readonly session: Session; readonly handshakeMs: number | undefined };
}

/** Pings at once. Operators are few; beyond this somebody is measuring with the wrong tool. */
const PINGS_MAX = 256;

/** `lacis ping`: a test request through the tunnel, which is built if need be, and its reply. */
export class Pings implements Machine {
  readonly waitsFor = "ping timeout";
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #ports: PingsPorts;
  readonly #emit: Emit<PingsEvent>;
  readonly #pings = new Map<number, Ping>();
  readonly #timers = new TimerQueue<number>();

  constructor(facts: Facts, peers: Peers, ports: PingsPorts, emit: Emit<PingsEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#ports = ports;
    this.#emit = emit;
  }

  start(id: number, target: PingTarget, timeoutMs: number): void {
    const address =
      target.by === "address"
        ? target.address
        : addressesOfNamed(target.name, this.#facts.settings.live.identity.credential, this.#peers)?.[0];
    if (address === undefined) {
      const name = target.by === "name" ? target.name : "";
      const whom = { name, address: undefined };
      this.#emit({ kind: "ping-failed", id, failure: { reason: "unknown-name", name }, whom });
      return;
    }
    const refusal = this.#refusal(address);
    if (refusal) {
      this.#failed(id, address, refusal);
      return;
    }
    const { now } = this.#facts;
    this.#pings.set(id, { id, address, startedAt: now, progress: { at: "calling" } });
    this.#timers.schedule(id, later(now, timeoutMs));
    const session = this.#peers.primaryOf(address);
    if (session) this.#sendThrough(session, id, undefined);
    else this.#emit({ kind: "send", to: address, parcel: { kind: "ping", id } });
  }

  /** The tunnel that was built for this ping stands. False when the ping has ended meanwhile. */
  sessionReady(id: number, session: Session): boolean {
    const ping = this.#pings.get(id);
    if (ping?.progress.at !== "calling") return false;
    this.#sendThrough(session, id, this.#facts.now - ping.startedAt);
    return true;
  }

  /** A new session with this peer: what waits for a reply on an older one may have been sent into the void. */
  sessionUp(session: Session): void {
    for (const { id, address, progress } of [...this.#pings.values()])
      if (progress.at === "waiting" && progress.session !== session && session.addresses.includes(address))
        this.#sendThrough(session, id, progress.handshakeMs);
  }

  replied(id: number, session: Session, roundTripMs: number): void {
    const ping = this.#pings.get(id);
    if (ping?.progress.at !== "waiting" || ping.progress.session !== session) return;
    this.#forget(ping);
    const relay = relayOn(session.path, this.#peers);
    const result: PingResult = {
      outcome: "pong",
      name: session.peer.name,
      address: ping.address,
      path: endpointOf(session.path),
      relay: relay && { name: relay.peer.name, address: nameAddress(relay) },
      roundTripMs,
      handshakeMs: ping.progress.handshakeMs,
    };
    this.#emit({ kind: "pong", id, result });
  }

  callFailed(id: number, failure: PingFailure): void {
    const ping = this.#pings.get(id);
    if (ping) this.#end(ping, failure);
  }

  /** No tunnel will come and no reply either. */
  stop(): void {
    for (const ping of [...this.#pings.values()]) this.#end(ping, { reason: "data-plane-down" });
  }

  nextAt(): Instant | undefined {
    return this.#timers.next()?.at;
  }

  tick(): void {
    const { now } = this.#facts;
    for (const id of this.#timers.takeDue(now)) {
      const ping = this.#pings.get(id);
      if (ping) this.#end(ping, this.#timedOut(ping));
    }
  }

  #timedOut({ address: target, startedAt, progress }: Ping): PingFailure {
    const waitedMs = this.#facts.now - startedAt;
    const refusedOf = (places: readonly Place[]): readonly RefusedPlace[] => this.#ports.refusedOf(places, startedAt);
    if (progress.at === "waiting") {
      const { session } = progress;
      const hop = endpointOf((relayOn(session.path, this.#peers) ?? session).path);
      const refused = refusedOf(hop === undefined ? [] : [hop]);
      return { reason: "no-reply", why: "silent", name: session.peer.name, waitedMs, refused };
    }
    const call = this.#peers.find(target)?.call;
    const bad = call && misanswered(call);
    if (bad) return bad;
    const tried = [...(call?.tried.keys() ?? [])];
    const nowhere = tried.length === 0 ? this.#ports.failureTo(target) : undefined;
    if (nowhere) return nowhere;
    return {
      reason: "handshake-timeout",
      why: "no-tunnel-in-time",
      target,
      waitedMs,
      tried,
      refused: refusedOf(tried),
    };
  }

  #sendThrough(session: Session, id: number, handshakeMs: number | undefined): void {
    const ping = this.#pings.get(id);
    if (!ping) return;
    ping.progress = { at: "waiting", session, handshakeMs };
    this.#emit({ kind: "probe", session, pingId: id });
  }

  #end(ping: Ping, failure: PingFailure): void {
    this.#forget(ping);
    this.#failed(ping.id, ping.address, failure);
  }

  #forget({ id }: Ping): void {
    this.#pings.delete(id);
    this.#timers.cancel(id);
  }

  #refusal(target: IpAddress): PingFailure | undefined {
    const { udpPort, routes, ownNetworks: networks } = this.#facts;
    const reach = reachOf(routes, target);
    if (reach === "own-address") return { reason: "own-address", target };
    if (reach !== "host" && !this.#facts.isLighthouse(target))
      return {
        reason: "outside-networks",
        why: reach === "outside-networks" ? "outside" : "no-host",
        target,
        networks,
      };
    if (udpPort === undefined) return { reason: "data-plane-down" };
    if (this.#pings.size >= PINGS_MAX) return { reason: "no-reply", why: "too-many-pings" };
    return undefined;
  }

  #failed(id: number, address: IpAddress, failure: PingFailure): void {
    const name = this.#peers.primaryOf(address)?.peer.name;
    this.#emit({ kind: "ping-failed", id, failure, whom: { name, address } });
  }
}
