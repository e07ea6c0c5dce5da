import { type Instant, later } from "../base/time.ts";

/** `handshakes.try_interval` and `handshakes.retries`. */
export interface RetryPolicy {
  readonly tryIntervalMs: number;
  readonly retries: number;
}

/**
 * When the wait of attempt number `attempt`, made at `at`, is over: linear back-off, n intervals after attempt n (protocol 3.7).
 */
export function nextAttemptAt(policy: RetryPolicy, attempt: number, at: Instant): Instant {
  return later(at, attempt * policy.tryIntervalMs);
}

/** Whether another attempt may follow attempt number `attempt`. */
export function mayRetry(policy: RetryPolicy, attempt: number): boolean {
  return attempt < policy.retries;
}

/** Attempt at which a target with hardly an address is asked for once more (protocol 3.7.6). */
export const REQUERY_ATTEMPT = 5;
