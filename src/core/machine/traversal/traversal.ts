import { LruMap } from "../../base/lru.ts";
import { Pace } from "../../base/pace.ts";
import { earliest, type Instant, later } from "../../base/time.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import type { NatStatus } from "../../nat/nat-status.ts";
import { PREDICTED_PORTS_MAX, predictedPorts } from "../../nat/predict.ts";
import { isSymmetric } from "../../nat/verdict.ts";
import type { IpAddress } from "../../netip/address.ts";
import { type Endpoint, endpoint } from "../../netip/endpoint.ts";
import { directPath } from "../../path/path.ts";
import type { Peers } from "../../peer/peer.ts";
import { PUNCH } from "../../punch/punches.ts";
import type { NatReport } from "../../wire/nat-report.ts";
import type { Facts } from "../facts.ts";
import type { CallAnewEvent, CommonEvent, Emit, Machine } from "../machine.ts";

export type TraversalEvent =
  | CommonEvent
  | CallAnewEvent
  | { readonly kind: "call-straight"; readonly target: IpAddress };

export interface TraversalPorts {
  /** What is known about our own translator. */
  own(): NatStatus;
  /** Whether this host may be there at all. */
  isPossible(host: IpAddress, at: Endpoint): boolean;
}

/** A lighthouse has told something about the translator of a host. */
export interface Hint {
  readonly host: IpAddress;
  readonly lighthouse: IpAddress;
  readonly nat: NatReport | undefined;
}

/** Bytes for the likeliest ports go out at once, the others in so many steps that the last is out long before the peer gives up. */
const FIRST_STEP = 64;
const STEP = 32;
const STEP_MS = 50;
/** One host is looked for at predicted ports no more often than this. */
const PER_HOST_INTERVAL_MS = 30_000;
/** Bytes to predicted ports of one address, and on the word of one lighthouse: what a lie costs others. */
const PER_ADDRESS = { burst: 2 * PREDICTED_PORTS_MAX, intervalMs: 60 } as const;
const PER_LIGHTHOUSE = { burst: 8 * PREDICTED_PORTS_MAX, intervalMs: 15 } as const;
/** Hosts that are looked for, or called back, at once. */
const HOSTS_MAX = 1_024;
/** Addresses and lighthouses that are told apart. */
const ADDRESSES_MAX = 1_024;
const LIGHTHOUSES_MAX = 64;
/** Calls back on the word of one lighthouse: each can cost a handshake. */
const CALLS_BACK = { burst: 64, intervalMs: 125 } as const;
/** A host of which only one lighthouse says that its port is another one outside may be behind either kind: it leaves the caller the time that it takes if there is nothing in the way. */
const DOUBT_MS = 500;

interface Search {
  readonly lighthouse: IpAddress;
  readonly address: IpAddress;
  readonly ports: number[];
}

/**
 * What it takes beside a handshake to get through address translators. A host whose translator gives each peer another port is the one that has to
 * call; one that does not lets it in at the ports that come next.
 */
export class Traversal implements Machine {
  readonly waitsFor = "predicted ports";
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #ports: TraversalPorts;
  readonly #emit: Emit<TraversalEvent>;
  readonly #searches = new Map<IpAddress, Search>();
  readonly #due = new TimerQueue<IpAddress>();
  readonly #searched = new LruMap<IpAddress, Instant>(HOSTS_MAX);
  readonly #callsBack = new TimerQueue<IpAddress>();
  readonly #perAddress = new Pace<IpAddress>(PER_ADDRESS, ADDRESSES_MAX);
  readonly #perLighthouse = new Pace<IpAddress>(PER_LIGHTHOUSE, LIGHTHOUSES_MAX);
  readonly #perCaller = new Pace<IpAddress>(CALLS_BACK, LIGHTHOUSES_MAX);

  constructor(facts: Facts, peers: Peers, ports: TraversalPorts, emit: Emit<TraversalEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#ports = ports;
    this.#emit = emit;
  }

  /** A host that we call has such a translator. */
  calling(hint: Hint): void {
    this.#search(hint);
  }

  /** A host with such a translator is about to call us. */
  called(hint: Hint): void {
    this.#search(hint);
    const { host, lighthouse, nat } = hint;
    const own = this.#ports.own();
    const isOurs = isSymmetric(own);
    const mayBeOurs = own.mapping === "unknown" && own.keepsPort === false;
    if (!(isOurs || mayBeOurs) || (nat && isSymmetric(nat)) || this.#isDirect(host)) return;
    if (this.#callsBack.size >= HOSTS_MAX || !this.#perCaller.take(lighthouse, this.#facts.now)) return;
    this.#callsBack.schedule(host, later(this.#facts.now, isOurs ? 0 : DOUBT_MS));
  }

  stop(): void {
    for (const host of this.#searches.keys()) this.#due.cancel(host);
    this.#searches.clear();
    for (let at = this.#callsBack.next(); at; at = this.#callsBack.next()) this.#callsBack.cancel(at.key);
  }

  nextAt(): Instant | undefined {
    return earliest(this.#due.next()?.at, this.#callsBack.next()?.at);
  }

  tick(): void {
    const { now } = this.#facts;
    for (const host of this.#due.takeDue(now)) this.#step(host, STEP);
    for (const host of this.#callsBack.takeDue(now)) {
      if (this.#isDirect(host)) continue;
      if (this.#peers.primaryOf(host)) this.#emit({ kind: "call-straight", target: host });
      else this.#emit({ kind: "call-anew", target: host, version: undefined });
    }
  }

  #search({ host, lighthouse, nat }: Hint): void {
    const { now } = this.#facts;
    const ports = nat ? predictedPorts(nat) : [];
    const address = nat?.learned;
    if (address === undefined || ports.length === 0 || isSymmetric(this.#ports.own()) || this.#isDirect(host)) return;
    const last = this.#searched.get(host);
    if (last !== undefined && now - last < PER_HOST_INTERVAL_MS) return;
    if (this.#searches.size >= HOSTS_MAX) return;
    this.#searched.set(host, now);
    this.#searches.set(host, { lighthouse, address, ports: [...ports] });
    this.#step(host, FIRST_STEP);
  }

  /** The next of the ports that are left; nothing more once the host is there. */
  #step(host: IpAddress, count: number): void {
    const search = this.#searches.get(host);
    if (!search) return;
    if (this.#isDirect(host)) search.ports.length = 0;
    for (const port of search.ports.splice(0, count)) this.#knock(host, search, endpoint(search.address, port));
    if (search.ports.length > 0) this.#due.schedule(host, later(this.#facts.now, STEP_MS));
    else this.#searches.delete(host);
  }

  #knock(host: IpAddress, { lighthouse, address }: Search, at: Endpoint): void {
    const { now } = this.#facts;
    if (!this.#ports.isPossible(host, at) || !this.#perLighthouse.has(lighthouse, now)) return;
    if (!this.#perAddress.take(address, now) || !this.#perLighthouse.take(lighthouse, now)) return;
    this.#emit({ kind: "command", command: { kind: "send-datagram", to: directPath(at), datagram: PUNCH } });
  }

  #isDirect(host: IpAddress): boolean {
    return this.#peers.primaryOf(host)?.path?.kind === "direct";
  }
}
