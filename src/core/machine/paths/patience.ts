import type { Instant } from "../../base/time.ts";

/** Nobody is thought silent before this: schedulers, radios and delayed acknowledgements take as long. */
const PATIENCE_MIN_MS = 50;
/** Before anything was measured. */
const PATIENCE_UNKNOWN_MS = 500;
/** Nobody is waited for longer, however long the way is said to be. */
const PATIENCE_MAX_MS = 3_000;
/** Beside a round trip, before somebody is asked: what a busy host takes. */
const ASK_SLACK_MS = 10;
/** Beside a round trip, before another way is taken. */
const TURN_SLACK_MS = 5;
/** Silence that is usual on a session is not waited out longer than this, so that the end of it is noticed in time. */
const WATCH_MAX_MS = 400;
/** Except where little is sent: probes are to be an eighth of it at most. */
const WATCH_RARE_MAX_MS = 5_000;
const PACKETS_PER_PROBE = 8;
/** A session without false alarms for so long is watched more closely again. */
const CALM_MS = 10_000;

/** What is known about a way. */
export interface KnownWay {
  readonly smoothedMs?: number | undefined;
  readonly usualMs?: number | undefined;
}

/** How long an answer may take before nobody is expected to answer any more. */
export function patienceMs({ smoothedMs, usualMs }: KnownWay): number {
  if (smoothedMs === undefined) return PATIENCE_UNKNOWN_MS;
  return Math.min(Math.max(PATIENCE_MIN_MS, 1.5 * smoothedMs, usualMs ?? 0), PATIENCE_MAX_MS);
}

/**
 * After how much silence it is worth asking, here and on other ways: as soon as an answer is later than usual. Asking costs a few packets; what is
 * concluded from it has its own time.
 */
export function askAfterMs(way: KnownWay): number {
  const { smoothedMs, usualMs } = way;
  if (smoothedMs === undefined) return patienceMs(way);
  return Math.min(Math.max(PATIENCE_MIN_MS, smoothedMs + ASK_SLACK_MS, usualMs ?? 0), patienceMs(way));
}

/** How long after the question its answer is given up: by then nothing has come for twice the time that an answer may take. */
export function judgeAfterMs(way: KnownWay): number {
  return 2 * patienceMs(way) - askAfterMs(way);
}

/** How long a way has for an answer while another one has answered, so much later than usual: what makes one way longer may make all of them so. */
export function turnAfterMs({ smoothedMs = 0, usualMs = 0 }: KnownWay, lateMs: number): number {
  return Math.min(Math.max(smoothedMs, usualMs) + lateMs + TURN_SLACK_MS, PATIENCE_MAX_MS);
}

/**
 * After how much silence one session is asked. Who streams in one direction, or thinks before it answers, is silent without being gone: each alarm
 * that an answer has shown to be false makes it longer, first by half and then to twice as long, and calm makes it shorter again.
 */
export class Watchfulness {
  #alarms = 0;
  #alarmedAt: Instant | undefined;

  falseAlarm(now: Instant): void {
    if (PATIENCE_MIN_MS * 2 ** this.#alarms < WATCH_RARE_MAX_MS) this.#alarms++;
    this.#alarmedAt = now;
  }

  /** The time now; `sentPerSecond`: packets. */
  afterMs(way: KnownWay, sentPerSecond: number, now: Instant): number {
    if (this.#alarmedAt !== undefined && now - this.#alarmedAt >= CALM_MS && this.#alarms > 0) {
      this.#alarms--;
      this.#alarmedAt = now;
    }
    const rareMs = sentPerSecond > 0 ? (1000 * PACKETS_PER_PROBE) / sentPerSecond : WATCH_RARE_MAX_MS;
    const patience = patienceMs(way);
    const most = Math.max(patience, Math.min(Math.max(rareMs, WATCH_MAX_MS), WATCH_RARE_MAX_MS));
    return Math.round(Math.min(this.#wantedMs(askAfterMs(way), patience), most));
  }

  /** Where a round trip and patience are about the same there is no step between them. */
  #wantedMs(askAfter: number, patience: number): number {
    if (this.#alarms === 0) return askAfter;
    const doublings = askAfter < patience ? this.#alarms - 1 : this.#alarms;
    return patience * 2 ** doublings;
  }
}
