import type { Instant } from "../../base/time.ts";

/** Nobody is thought silent before this: schedulers, radios and delayed acknowledgements take as long. */
const PATIENCE_MIN_MS = 50;
/** Before anything was measured. */
const PATIENCE_UNKNOWN_MS = 500;
/** Nobody is waited for longer, however long the way is said to be. */
const PATIENCE_MAX_MS = 3_000;
/** Silence that is usual on a session is not waited out longer than this, so that the end of it is noticed in time. */
const WATCH_MAX_MS = 400;
/** Except where little is sent: probes are to be an eighth of it at most. */
const WATCH_RARE_MAX_MS = 5_000;
const PACKETS_PER_PROBE = 8;
/** A session without false alarms for so long is watched more closely again. */
const CALM_MS = 10_000;

/** How long an answer may take, from what is known about the way. */
export function patienceMs(known: {
  readonly smoothedMs: number | undefined;
  readonly usualMs: number | undefined;
}): number {
  const { smoothedMs, usualMs } = known;
  if (smoothedMs === undefined) return PATIENCE_UNKNOWN_MS;
  return Math.min(Math.max(PATIENCE_MIN_MS, 1.5 * smoothedMs, usualMs ?? 0), PATIENCE_MAX_MS);
}

/**
 * After how much silence one session is asked. Who streams in one direction, or thinks before it answers, is silent without being gone: each alarm
 * that an answer has shown to be false doubles the time, and calm halves it again.
 */
export class Watchfulness {
  #doublings = 0;
  #alarmedAt: Instant | undefined;

  falseAlarm(now: Instant): void {
    if (PATIENCE_MIN_MS * 2 ** this.#doublings < WATCH_RARE_MAX_MS) this.#doublings++;
    this.#alarmedAt = now;
  }

  /** The time now; `sentPerSecond`: packets. */
  afterMs(patience: number, sentPerSecond: number, now: Instant): number {
    if (this.#alarmedAt !== undefined && now - this.#alarmedAt >= CALM_MS && this.#doublings > 0) {
      this.#doublings--;
      this.#alarmedAt = now;
    }
    const rareMs = sentPerSecond > 0 ? (1000 * PACKETS_PER_PROBE) / sentPerSecond : WATCH_RARE_MAX_MS;
    const most = Math.max(patience, Math.min(Math.max(rareMs, WATCH_MAX_MS), WATCH_RARE_MAX_MS));
    return Math.round(Math.min(patience * 2 ** this.#doublings, most));
  }
}
