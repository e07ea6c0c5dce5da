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
import { turnMs } from "../../punch/turns.ts";
import type { NatReport } from "../../wire/nat-report.ts";
import type { Facts } from "../facts.ts";
import type { CallAnewEvent, CommonEvent, Emit, Machine } from "../machine.ts";
import { Approaches } from "./approaches.ts";
import { CallsBack } from "./calls-back.ts";

export type TraversalEvent =
  | CommonEvent
  | CallAnewEvent
  | { readonly kind: "call-straight"; readonly target: IpAddress }
  /** Places of this host that were held back can be called now. */
  | { readonly kind: "new-endpoints"; readonly target: IpAddress };

export interface TraversalPorts {
  /** What is known about our own translator. */
  own(): NatStatus;
  /** Whether this host may be there at all. */
  isPossible(host: IpAddress, at: Endpoint): boolean;
  /** One more byte to a place that `owner` has named; false when it must not be sent. */
  mayProbe(kind: "punch", owner: IpAddress, at: Endpoint): boolean;
}

/** A lighthouse has told something about the translator of a host. */
export interface Hint {
  readonly host: IpAddress;
  readonly lighthouse: IpAddress;
  readonly nat: NatReport | undefined;
}

/**
 * Where nobody listens (RFC 863). A byte to there opens our translator for the address of a host, if addresses are what it looks at, and is in nobody's
 * way: ports of the other translator that packets may come from are left alone.
 */
const OPENING_PORT = 9;
/**
 * Until then a host that is near has heard from its lighthouse that we call, and sent something of its own. Hardly longer than it waits itself
 * (punch/punches.ts): what both send should meet on the way, so that neither finds the other's translator closed.
 */
const HELD_MS = 30;
/** Bytes to many ports cost a router without a guard all of those. They come when calls had the time to get through without. */
const SEARCH_AFTER_MS = 300;
/** Bytes for the likeliest ports go out at once, the others in so many steps that the last is out long before the peer gives up. */
const FIRST_STEP = 64;
const STEP = 32;
const STEP_MS = 50;
/** One host is looked for at predicted ports no more often than this. */
const PER_HOST_INTERVAL_MS = 30_000;
/** Bytes to predicted ports of one address, and on the word of one lighthouse: what a lie costs others. */
const PER_ADDRESS = { burst: 2 * PREDICTED_PORTS_MAX, intervalMs: 60 } as const;
const PER_LIGHTHOUSE = { burst: 8 * PREDICTED_PORTS_MAX, intervalMs: 15 } as const;
/** Hosts that are looked for at once. */
const HOSTS_MAX = 1_024;
/** Addresses and lighthouses that are told apart. */
const ADDRESSES_MAX = 1_024;
const LIGHTHOUSES_MAX = 64;

interface Search {
  readonly lighthouse: IpAddress;
  readonly address: IpAddress;
  readonly ports: number[];
  isBegun: boolean;
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
  readonly #approaches = new Approaches();
  readonly #callsBack = new CallsBack();
  readonly #perAddress = new Pace<IpAddress>(PER_ADDRESS, ADDRESSES_MAX);
  readonly #perLighthouse = new Pace<IpAddress>(PER_LIGHTHOUSE, LIGHTHOUSES_MAX);

  constructor(facts: Facts, peers: Peers, ports: TraversalPorts, emit: Emit<TraversalEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#ports = ports;
    this.#emit = emit;
  }

  /** A host that we call has such a translator. */
  calling(hint: Hint): void {
    const { host, nat } = hint;
    if (!this.#isDirect(host) && this.#approach(host, nat)) this.#open(hint);
    this.#search(hint);
  }

  /** Whether nothing is to be sent there yet, because the host at the other end is to be first. */
  isHeld(host: IpAddress, at: Endpoint): boolean {
    return this.#approaches.isHeld(host, at, this.#facts.now);
  }

  /**
   * A host is about to call us. Our own translator may have given us another port towards it than the one where it looks, and nobody but the host sees
   * which; so we call back.
   */
  called(hint: Hint): void {
    const { host, lighthouse, nat } = hint;
    const { now } = this.#facts;
    const own = this.#ports.own();
    if (this.#isDirect(host)) return;
    this.#open(hint);
    this.#search(hint);
    if (nat && isSymmetric(nat)) return;
    if (isSymmetric(own)) {
      // Nothing but what we send can get through, and that only once the host has opened its own translator.
      this.#approach(host, nat);
      this.#callsBack.atOnce(host, lighthouse, now);
    } else if (nat ? own.mapping !== "none" : own.mapping === "unknown" && own.keepsPort === false)
      this.#callsBack.late(host, lighthouse, now);
  }

  stop(): void {
    this.#due.clear();
    this.#searches.clear();
    this.#approaches.stop();
    this.#callsBack.stop();
  }

  nextAt(): Instant | undefined {
    return earliest(this.#due.next()?.at, this.#callsBack.nextAt(), this.#approaches.nextAt());
  }

  tick(): void {
    const { now } = this.#facts;
    for (const target of this.#approaches.takeDue(now)) this.#emit({ kind: "new-endpoints", target });
    for (const host of this.#due.takeDue(now)) this.#step(host);
    for (const host of this.#callsBack.takeDue(now, (each) => this.#isDirect(each))) {
      if (this.#peers.primaryOf(host)) this.#emit({ kind: "call-straight", target: host });
      else this.#emit({ kind: "call-anew", target: host, version: undefined });
    }
  }

  /** True when the host, behind a translator, is to be first at a new approach. */
  #approach(host: IpAddress, nat: NatReport | undefined): boolean {
    if (nat?.learned === undefined || nat.mapping === "none") return false;
    const waitMs = turnMs(this.#ports.own(), nat, HELD_MS);
    return this.#approaches.begin(host, nat.learned, waitMs, this.#facts.now);
  }

  /**
   * Our own translator lets in what comes from the address of this host, if it looks at no more than that. Where there is no other translator the port
   * that we get does not matter.
   */
  #open({ host, lighthouse, nat }: Hint): void {
    if (nat?.learned === undefined || nat.mapping === "none" || this.#ports.own().mapping === "none") return;
    const at = endpoint(nat.learned, OPENING_PORT);
    if (this.#ports.isPossible(host, at) && this.#ports.mayProbe("punch", lighthouse, at)) this.#punch(at);
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
    this.#searches.set(host, { lighthouse, address, ports: [...ports], isBegun: false });
    this.#due.schedule(host, later(now, SEARCH_AFTER_MS));
  }

  /** The next of the ports that are left; nothing more once the host is there. */
  #step(host: IpAddress): void {
    const search = this.#searches.get(host);
    if (!search) return;
    if (this.#isDirect(host)) search.ports.length = 0;
    const count = search.isBegun ? STEP : FIRST_STEP;
    search.isBegun = true;
    for (const port of search.ports.splice(0, count)) this.#knock(host, search, endpoint(search.address, port));
    if (search.ports.length > 0) this.#due.schedule(host, later(this.#facts.now, STEP_MS));
    else this.#searches.delete(host);
  }

  #knock(host: IpAddress, { lighthouse, address }: Search, at: Endpoint): void {
    const { now } = this.#facts;
    if (!this.#ports.isPossible(host, at) || !this.#perLighthouse.has(lighthouse, now)) return;
    if (!this.#perAddress.take(address, now) || !this.#perLighthouse.take(lighthouse, now)) return;
    this.#punch(at);
  }

  #punch(at: Endpoint): void {
    this.#emit({ kind: "command", command: { kind: "send-datagram", to: directPath(at), datagram: PUNCH } });
  }

  #isDirect(host: IpAddress): boolean {
    return this.#peers.primaryOf(host)?.path?.kind === "direct";
  }
}
