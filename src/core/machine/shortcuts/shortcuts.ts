import { type Instant, instant, later } from "../../base/time.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import type { NatObstacle } from "../../nat/verdict.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import type { CallFailure, WhyRelayed } from "../../operator/failure.ts";
import type { LocalIndex } from "../../path/session-index.ts";
import type { Peers } from "../../peer/peer.ts";
import { nameAddress, roleIn, type Session } from "../../peer/session.ts";
import type { Facts } from "../facts.ts";
import type { Emit, Machine } from "../machine.ts";

/** A handshake that goes straight only: what it makes is proved in both directions, and takes the place of the relayed session. */
export interface ShortcutsEvent {
  readonly kind: "call-straight";
  readonly target: IpAddress;
}

/** Waits between tries for a straight way. Each may open a router on the way, and keeps a place in its tables. */
const FIRST_WAIT_MS = 5_000;
const WAIT_MS = 30_000;
/** So long that translators on both sides have forgotten what came of the tries before, also those of the other host: a stranger's packet is remembered for half a minute. */
const RESTED_WAIT_MS = 60_000;
/** Tries after which it may be the tries that stand in the way. */
const UNRESTED_TRIES = 2;
/** After so many in vain there probably is none, until something changes. */
const HOPEFUL_TRIES = 10;
const HOPELESS_WAIT_MS = 300_000;
/** Whoever was called looks first when the caller has given up, so that each router is knocked at from both sides. */
const RESPONDER_WAITS_MS = 6_000;
/** A relayed session over which nothing was heard for so long can wait for its next packet. */
const UNUSED_MS = 35_000;
/** Word of another place starts a try at once, but no more often than this. */
const HURRY_INTERVAL_MS = 1_000;

export interface ShortcutsPorts {
  /** When a session was last heard. */
  lastReceivedAt(session: Session): Instant | undefined;
  /** Where the host may be. */
  endpointsOf(target: IpAddress): readonly Endpoint[];
  /** What the translators between us and this host have against it, as far as that is known. */
  natObstacle(target: IpAddress): NatObstacle | undefined;
  /** Whether its relay is reached over TCP, because UDP does not work here. */
  isUdpBlocked(session: Session): boolean;
  /** Whether a straight way that worked was left, because it lost packets. */
  hasLeftStraight(session: Session): boolean;
}

/** How the search for a straight way to one host goes. */
interface Search {
  tries: number;
  triedAt: Instant | undefined;
  failure: CallFailure | undefined;
  /** Where the host was known to be at the last try. */
  seen: readonly Endpoint[];
}

/** Straight ways for sessions that go through a relay. */
export class Shortcuts implements Machine {
  readonly waitsFor = "straight way";
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #ports: ShortcutsPorts;
  readonly #emit: Emit<ShortcutsEvent>;
  /** Sessions that go through a relay. */
  readonly #searches = new Map<LocalIndex, Search>();
  readonly #due = new TimerQueue<LocalIndex>();

  constructor(facts: Facts, peers: Peers, ports: ShortcutsPorts, emit: Emit<ShortcutsEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#ports = ports;
    this.#emit = emit;
  }

  /** A session stands, or goes another way. */
  watch(session: Session): void {
    if (session.path?.kind !== "relayed") this.forget(session);
    else if (!this.#searches.has(session.localIndex)) this.#begin(session);
  }

  forget({ localIndex }: Session): void {
    this.#due.cancel(localIndex);
    this.#searches.delete(localIndex);
  }

  /** We are somewhere else: what was out of reach may be in sight. */
  moved(): void {
    for (const session of this.#peers.primaries()) if (session.path?.kind === "relayed") this.#begin(session);
  }

  /** The host may be at places that nobody has tried. */
  newEndpoints(target: IpAddress): void {
    const session = this.#peers.primaryOf(target);
    const search = session && this.#searches.get(session.localIndex);
    if (!search || search.triedAt === undefined) return;
    if (this.#ports.endpointsOf(target).every((at) => search.seen.includes(at))) return;
    search.tries = 0;
    const at = Math.max(this.#facts.now, search.triedAt + HURRY_INTERVAL_MS);
    this.#due.schedule(session.localIndex, instant(at));
  }

  /** A try came to nothing. */
  failed(target: IpAddress, failure: CallFailure): void {
    const session = this.#peers.primaryOf(target);
    const search = session && this.#searches.get(session.localIndex);
    if (search) search.failure = failure;
  }

  /** Why this session goes through a relay; undefined when it does not. */
  whyRelayed(session: Session): WhyRelayed | undefined {
    if (session.path?.kind !== "relayed") return undefined;
    if (this.#ports.hasLeftStraight(session)) return "lossy";
    if (this.#ports.isUdpBlocked(session)) return "udp-blocked";
    const target = nameAddress(session);
    const search = this.#searches.get(session.localIndex);
    if (!search || search.tries === 0) return "not-tried";
    if (this.#peers.find(target)?.call && !search.failure) return "trying";
    if (search.failure?.reason === "no-endpoint-known")
      return search.failure.why === "not-allowed" ? "not-allowed" : "no-place-known";
    return this.#ports.natObstacle(target) ?? "no-answer";
  }

  stop(): void {
    for (const session of this.#peers.sessions()) this.forget(session);
  }

  nextAt(): Instant | undefined {
    return this.#due.next()?.at;
  }

  tick(): void {
    const { now } = this.#facts;
    for (const index of this.#due.takeDue(now)) {
      const session = this.#peers.session(index);
      const search = this.#searches.get(index);
      if (!search || session?.path?.kind !== "relayed" || session.state.at !== "live") this.#searches.delete(index);
      else this.#try(session, search);
    }
  }

  #begin(session: Session): void {
    const { localIndex } = session;
    this.#searches.set(localIndex, { tries: 0, triedAt: undefined, failure: undefined, seen: [] });
    this.#due.schedule(localIndex, later(this.#facts.now, roleIn(session) === "initiator" ? 0 : RESPONDER_WAITS_MS));
  }

  #try(session: Session, search: Search): void {
    const { now } = this.#facts;
    const target = nameAddress(session);
    // A straight way that was left is measured where it was left, and returned to without a handshake.
    const isLeft = this.#ports.hasLeftStraight(session);
    const isWorthIt = !isLeft && this.#peers.isPrimary(session) && this.#isUsed(session);
    if (isWorthIt) {
      search.tries++;
      search.triedAt = now;
      search.seen = this.#ports.endpointsOf(target);
    }
    this.#due.schedule(session.localIndex, later(now, waitAfter(search.tries)));
    if (isWorthIt) this.#emit({ kind: "call-straight", target });
  }

  #isUsed(session: Session): boolean {
    return this.#facts.now - (this.#ports.lastReceivedAt(session) ?? session.state.since) < UNUSED_MS;
  }
}

function waitAfter(tries: number): number {
  if (tries <= 1) return FIRST_WAIT_MS;
  if (tries <= UNRESTED_TRIES) return WAIT_MS;
  return tries < HOPEFUL_TRIES ? RESTED_WAIT_MS : HOPELESS_WAIT_MS;
}
