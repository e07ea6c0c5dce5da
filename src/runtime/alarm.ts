import type { Instant } from "../core/base/time.ts";

/** setTimeout takes at most 2^31-1 ms; nothing is due later than a day anyway. */
const SLEEP_MS_MAX = 86_400_000;

/**
 * A timer for what is due next. Deadlines move on with most of what happens: one that comes too early looks again, and is cheaper than a new one for
 * each.
 */
export class Alarm {
  readonly #now: () => Instant;
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | undefined;
  #at: Instant | undefined;

  /** `ring` looks what is due, and sets it again. */
  constructor(now: () => Instant, ring: () => void) {
    this.#now = now;
    this.#ring = ring;
  }

  /** From now on it rings at this moment at the latest; undefined: not at all. */
  set(at: Instant | undefined): void {
    if (at === this.#at || (at !== undefined && this.#at !== undefined && this.#at < at)) return;
    clearTimeout(this.#timer);
    this.#at = at;
    if (at === undefined) return;
    const ms = Math.min(Math.max(Math.ceil(at - this.#now()), 1), SLEEP_MS_MAX);
    this.#timer = setTimeout(() => {
      this.#at = undefined;
      this.#ring();
    }, ms);
  }
}
