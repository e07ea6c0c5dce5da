import { LruMap } from "../../base/lru.ts";
import type { Instant } from "../../base/time.ts";
import type { Path } from "../../path/path.ts";
import type { Place } from "../../path/place.ts";
import { Estimate } from "./estimate.ts";
import { Watchfulness } from "./patience.ts";

/** Ways to one host that are remembered: the one in use, relays, places it may be at. The one not measured for longest goes. */
const WAYS_MAX = 16;
/** Path requests to one host in flight. The oldest is given up. */
const ASKED_MAX = 32;

/** Path requests in a row without a reply, while the host answers others, after which it is taken for one that knows none. */
const UNANSWERED_MAX = 16;

/** A path request whose reply is awaited. */
export interface PathRequest {
  readonly place: Place;
  readonly path: Path;
  readonly sentAt: Instant;
  /** Whether the way is to be taken at once if it answers while the one in use does not. */
  readonly isRace: boolean;
}

/** What is known about the ways to one host. It outlives single sessions. */
export class HostPaths {
  readonly watch: Watchfulness = new Watchfulness();
  /** Present while there are any: most hosts are known and not talked to. */
  #asked: LruMap<string, PathRequest> | undefined;
  readonly #ways = new LruMap<Place, Estimate>(WAYS_MAX);
  /** Path requests in a row that brought nothing, if one ever brought something: a host may have become one that knows none. */
  unanswered: number | undefined;
  /** When its ways are measured next, if they are in use then. */
  roundAt: Instant | undefined;
  /** Whether the first choice among its relays has been made. */
  isSettled = false;
  /** When the way in use was doubted last. */
  doubtedAt: Instant | undefined;
  /** Packets a second that the host was sent lately. */
  sentPerSecond = 0;
  /** A straight way that was left because it lost packets. */
  left: { readonly path: Path; readonly place: Place } | undefined;

  /** Whether it answers path requests; other implementations do not. */
  get speaks(): boolean {
    return this.unanswered !== undefined && this.unanswered < UNANSWERED_MAX;
  }

  /** Of this way, made if need be. */
  estimate(place: Place): Estimate {
    return this.#ways.getOrMake(place, () => new Estimate());
  }

  known(place: Place | undefined): Estimate | undefined {
    return place === undefined ? undefined : this.#ways.peek(place);
  }

  ways(): IterableIterator<[Place, Estimate]> {
    return this.#ways.entries();
  }

  /** A path request is on its way. */
  ask(token: string, request: PathRequest): void {
    this.#asked ??= new LruMap(ASKED_MAX);
    this.#asked.set(token, request);
  }

  /** The path request that this is the reply to. It is forgotten. */
  takeAsked(token: string): PathRequest | undefined {
    const request = this.#asked?.peek(token);
    if (request) this.#forget(token);
    return request;
  }

  /** Path requests that have waited for so long. They are forgotten. */
  takeMissed(afterMs: (place: Place) => number, now: Instant): readonly PathRequest[] {
    if (!this.#asked) return [];
    const late = [...this.#asked.entries()].filter(([, { place, sentAt }]) => now - sentAt >= afterMs(place));
    for (const [token] of late) this.#forget(token);
    return late.map(([, request]) => request);
  }

  #forget(token: string): void {
    this.#asked?.delete(token);
    if (this.#asked?.size === 0) this.#asked = undefined;
  }
}
