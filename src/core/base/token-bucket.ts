import type { Instant } from "./time.ts";

/** How often something may happen: `perSecond` on average, `burst` at once. Whole numbers. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/**
 * A token bucket in whole thousandths of a token, so that TypeScript and Rust agree to the last packet: `perSecond` tokens a second
 * are `perSecond` milli-tokens a millisecond. Starts full.
 */
export class TokenBucket {
  readonly #perMs: number;
  readonly #capacity: number;
  #milliTokens: number;
  #filledAt: number | undefined;

  constructor({ perSecond, burst }: Rate) {
    this.#perMs = perSecond;
    this.#capacity = burst * MILLI;
    this.#milliTokens = this.#capacity;
  }

  /** Whether so many tokens are there. For callers that ask several buckets before they take from any. */
  has(now: Instant, tokens = 1): boolean {
    this.#fill(now);
    return this.#milliTokens >= tokens * MILLI;
  }

  /** Takes so many tokens; false, and none is taken, when they are not there. */
  take(now: Instant, tokens = 1): boolean {
    if (!this.has(now, tokens)) return false;
    this.#milliTokens -= tokens * MILLI;
    return true;
  }

  #fill(now: Instant): void {
    const ms = Math.floor(now);
    const elapsed = ms - (this.#filledAt ?? ms);
    if (this.#filledAt !== undefined && elapsed <= 0) return;
    this.#filledAt = ms;
    this.#milliTokens = Math.min(this.#capacity, this.#milliTokens + elapsed * this.#perMs);
  }
}

const MILLI = 1000;
