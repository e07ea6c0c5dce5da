import type { Instant } from "../../base/time.ts";

/** Outcomes of probes that a share of losses is taken from: what V8 keeps as a number without a box. */
const OUTCOMES_MAX = 31;
const OUTCOMES_MASK = 0x7fff_ffff;
/** Fewer say nothing about loss: the first probe of a way that has just come up is lost more often than any other. */
const OUTCOMES_MIN = 4;

/** What is known about one way: how long an answer takes, how many do not come, when something came last. */
export class Estimate {
  #smoothedMs: number | undefined;
  #variationMs = 0;
  #lastMs: number | undefined;
  #measuredAt: Instant | undefined;
  /** The newest in the lowest bit; set: missed. There is one of these for each host that is known. */
  #missed = 0;
  #count = 0;

  /** As measured last. */
  get roundTripMs(): number | undefined {
    return this.#lastMs;
  }

  get smoothedMs(): number | undefined {
    return this.#smoothedMs;
  }

  /** When an answer came last. */
  get measuredAt(): Instant | undefined {
    return this.#measuredAt;
  }

  /** An answer that takes longer than this is unusual (RFC 6298). */
  get usualMs(): number | undefined {
    return this.#smoothedMs === undefined ? undefined : this.#smoothedMs + 4 * this.#variationMs;
  }

  /** Of the last probes, how many were not answered, from 0 to 1; undefined while there were too few. */
  get loss(): number | undefined {
    return this.#count < OUTCOMES_MIN ? undefined : bitsSet(this.#missed) / this.#count;
  }

  get outcomes(): number {
    return this.#count;
  }

  answered(roundTripMs: number, now: Instant): void {
    this.#note(true);
    this.#lastMs = roundTripMs;
    this.#measuredAt = now;
    const before = this.#smoothedMs;
    // A way that is twice as fast as it seemed has been measured while a program started: what was known is about that.
    if (before === undefined || roundTripMs < before / 2) {
      this.#smoothedMs = roundTripMs;
      this.#variationMs = 0;
      return;
    }
    this.#variationMs = 0.75 * this.#variationMs + 0.25 * Math.abs(before - roundTripMs);
    this.#smoothedMs = 0.875 * before + 0.125 * roundTripMs;
  }

  missed(): void {
    this.#note(false);
  }

  /** The way leads elsewhere from now on: what was lost does not count for it. */
  forgetLoss(): void {
    this.#missed = 0;
    this.#count = 0;
  }

  #note(answered: boolean): void {
    this.#missed = ((this.#missed << 1) | (answered ? 0 : 1)) & OUTCOMES_MASK;
    this.#count = Math.min(this.#count + 1, OUTCOMES_MAX);
  }
}

function bitsSet(word: number): number {
  let count = 0;
  for (let left = word; left !== 0; left &= left - 1) count++;
  return count;
}
