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

/** How long a session may come of a call: for as long as it lasts when nobody answers. */
export function awaitedMs({ retries, tryIntervalMs }: RetryPolicy): number {
  return (tryIntervalMs * retries * (retries + 1)) / 2;
}

/** Whether another attempt may follow attempt number `attempt`. */
export function mayRetry(policy: RetryPolicy, attempt: number): boolean {
  return attempt < policy.retries;
}

/** Whether lighthouses are asked again where a host is that did not answer before this attempt (protocol 3.7.6 knows the fifth only). */
export function asksAgain(attempt: number, isUrgent: boolean): boolean {
  // Who falls silent has often just come to another place, and tells the lighthouses while we are looking for it.
  return isUrgent ? attempt > 1 && attempt <= 5 : attempt === 3 || attempt === 5;
}
