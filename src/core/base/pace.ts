import { LruMap } from "./lru.ts";
import { type Instant, instant, later } from "./time.ts";

/** `burst` at once, and then one every `intervalMs`. */
export interface PaceLimit {
  readonly burst: number;
  readonly intervalMs: number;
}

/**
 * How often something may happen for each of many keys, the slow relative of a token bucket: one moment per key says when its burst is
 * whole again. The key not asked about for longest is forgotten, and starts anew.
 */
export class Pace<Key> {
  readonly #limit: PaceLimit;
  readonly #wholeAt: LruMap<Key, Instant>;

  constructor(limit: PaceLimit, keysMax: number) {
    this.#limit = limit;
    this.#wholeAt = new LruMap(keysMax);
  }

  /** Whether it may happen now. For callers that ask several before they take from any. */
  has(key: Key, now: Instant): boolean {
    const { burst, intervalMs } = this.#limit;
    return this.#debtMs(key, now) <= (burst - 1) * intervalMs;
  }

  /** It happens now; false when it may not. */
  take(key: Key, now: Instant): boolean {
    if (!this.has(key, now)) return false;
    this.#wholeAt.set(key, later(now, this.#debtMs(key, now) + this.#limit.intervalMs));
    return true;
  }

  #debtMs(key: Key, now: Instant): number {
    return Math.max(0, (this.#wholeAt.get(key) ?? instant(0)) - now);
  }
}
