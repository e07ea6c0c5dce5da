import { earliest, type Instant, later } from "../../base/time.ts";

/** Between the parts of an answer: work on one takes a millisecond, and what has come meanwhile has the rest of the time. */
const PART_PAUSE_MS = 10;

/** When the data plane is asked what went through sessions: in rounds, each in as many parts as there is something to tell. */
export class Asking {
  #roundAt: Instant | undefined;
  /** When the next part is asked for; undefined while none is waited for. */
  #partAt: Instant | undefined;

  /** Whether it is asked at all. */
  get isUnderWay(): boolean {
    return this.#roundAt !== undefined;
  }

  /** Whether to ask now; the first round is an interval after this is first called. */
  isDue(now: Instant, intervalMs: number): boolean {
    this.#roundAt ??= later(now, intervalMs);
    const isRound = now >= this.#roundAt;
    if (isRound) this.#roundAt = later(now, intervalMs);
    // The round before is not over: it goes on instead.
    if (this.#partAt !== undefined && now < this.#partAt) return false;
    const isPart = this.#partAt !== undefined;
    this.#partAt = undefined;
    return isRound || isPart;
  }

  /** An answer was one part of several. */
  goOn(now: Instant): void {
    this.#partAt = later(now, PART_PAUSE_MS);
  }

  stop(): void {
    this.#roundAt = undefined;
    this.#partAt = undefined;
  }

  nextAt(): Instant | undefined {
    return earliest(this.#roundAt, this.#partAt);
  }
}
