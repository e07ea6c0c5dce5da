import { LruMap } from "../../../src/core/base/lru.ts";
import { Pace } from "../../../src/core/base/pace.ts";
import { type Instant, instant } from "../../../src/core/base/time.ts";

/** Sources that are remembered; the one not heard of for longest goes. */
const SOURCES_MAX = 4_096;
/** Requests of one source: a site behind one address may join whole, and then 50 a second; of each instance. */
const REQUESTS = { burst: 1_000, intervalMs: 20 };
/** Wrong secrets of one source within a minute, and how long it must wait then (reliability R53). Each instance counts for itself: three of them let three times as many through. */
const WRONG_TRIES_MAX = 10;
const WRONG_WITHIN_MS = 60_000;
const WAIT_MS = 15 * 60_000;

/** How often each source may ask, and how often it may be wrong. In the memory of one instance: behind several, each counts for itself. */
export class Doors {
  readonly #requests = new Pace<string>(REQUESTS, SOURCES_MAX);
  readonly #wrong = new LruMap<string, { since: Instant; tries: number; closedUntil: Instant }>(SOURCES_MAX);

  /** How many seconds the source has to wait; 0 when it may ask. */
  waitSeconds(source: string, now: Instant): number {
    const key = networkOf(source);
    const closedUntil = this.#wrong.peek(key)?.closedUntil ?? instant(0);
    if (now < closedUntil) return Math.ceil((closedUntil - now) / 1_000);
    return this.#requests.take(key, now) ? 0 : 1;
  }

  /** The source has shown a secret that is none. */
  wasWrong(source: string, now: Instant): void {
    const key = networkOf(source);
    const known = this.#wrong.get(key);
    const isFresh = known === undefined || now - known.since > WRONG_WITHIN_MS;
    const tries = isFresh ? 1 : known.tries + 1;
    const closedUntil = instant(tries > WRONG_TRIES_MAX ? now + WAIT_MS : 0);
    this.#wrong.set(key, { since: isFresh ? now : known.since, tries, closedUntil });
  }
}

/** Whoever has one IPv6 address has its whole /64. */
function networkOf(source: string): string {
  const mapped = /^::ffff:([0-9.]+)$/i.exec(source)?.[1];
  if (mapped !== undefined || !source.includes(":")) return mapped ?? source;
  const [head = ""] = source.split("::");
  return head.split(":").slice(0, 4).join(":");
}
