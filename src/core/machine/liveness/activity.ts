import type { Instant } from "../../base/time.ts";
import type { Session } from "../../peer/session.ts";
import type { OwnedVitals, Suspicion, Vitals } from "../../peer/vitals.ts";

/** `timers.*` of the configuration. */
export interface LivenessPolicy {
  readonly connectionAliveMs: number;
  readonly pendingDeletionMs: number;
}

/** What one sample calls for. */
export type LivenessAction =
  | "none"
  /** It has fallen silent: ask whether it is still there. */
  | "doubt"
  /** Send an empty test request. */
  | "probe"
  /** Probe, and call the peer anew beside this session: make before break. */
  | "probe-and-call"
  | "remove";

/** How often the data plane is asked for activity while sessions exist. */
export const SAMPLE_INTERVAL_MS = 1000;
/** A session as young as that may still wait for its first answer. */
const YOUNG_MS = 1000;
/** A session whose peer said that it does not know it, and that stays silent, is gone after this (reliability R12). */
export const DISOWNED_LIFE_MS = 10_000;

/** Of a session that is in no sample. */
export const IDLE = { sent: false, received: false };

/**
 * What a live session needs, once a second, from whether it sent and received since the last time (protocol 8.2, sped up). A session that
 * sends nothing is left alone: idle sessions cost nothing and are kept. Clears the suspicion, and changes nothing else.
 */
export function judgeActivity(
  session: Session,
  vitals: OwnedVitals,
  activity: { readonly sent: boolean; readonly received: boolean },
  now: Instant,
  policy: LivenessPolicy,
): LivenessAction {
  if (activity.received) {
    vitals.suspicion = undefined;
    return "none";
  }
  const { suspicion } = vitals;
  if (suspicion?.of === "recv-error") return now - suspicion.since >= DISOWNED_LIFE_MS ? "remove" : "probe";
  if (suspicion) return judgeSilence(suspicion, now, policy);
  return activity.sent && !isYoung(session, now, policy) ? "doubt" : "none";
}

/** A session that does not send is kept while its peer uses it, and one check and one deletion interval longer (protocol 8.2). */
export function isAbandoned(session: Session, vitals: Vitals, now: Instant, policy: LivenessPolicy): boolean {
  if (session.secondarySince === undefined || session.state.at !== "live") return false;
  const quietSince = Math.max(session.secondarySince, vitals.lastReceivedAt);
  return now - quietSince >= policy.connectionAliveMs + policy.pendingDeletionMs;
}

/** Whether an authenticated packet arrived within the last check interval. */
export function heardLately(vitals: Vitals, now: Instant, policy: LivenessPolicy): boolean {
  return now - vitals.lastReceivedAt <= policy.connectionAliveMs;
}

/** Nothing in and nothing out for this long (`tunnels.inactivity_timeout`). */
export function isInactive(session: Session, vitals: Vitals, now: Instant, timeoutMs: number): boolean {
  return now - Math.max(session.state.since, vitals.lastReceivedAt, vitals.lastSentAt) >= timeoutMs;
}

function judgeSilence(
  { since, stage }: Extract<Suspicion, { of: "silence" }>,
  now: Instant,
  policy: LivenessPolicy,
): LivenessAction {
  if (now - since >= policy.pendingDeletionMs) return "remove";
  if (stage === "asking") return "none";
  return stage === "called" ? "probe" : "probe-and-call";
}

/** The first answer may still be under way. */
function isYoung(session: Session, now: Instant, policy: LivenessPolicy): boolean {
  return now - session.state.since < Math.min(YOUNG_MS, policy.connectionAliveMs);
}
