import { type Instant, NEVER } from "../base/time.ts";
import { NO_TRAFFIC, type TrafficCounts } from "./traffic-counts.ts";

/** Doubt about whether the peer still has a session. */
export type Suspicion =
  /** We send, nothing comes back. `asked`: test requests so far; it is judged by their answers. */
  | { readonly of: "silence"; readonly since: Instant; readonly asked: number; readonly stage: SilenceStage }
  /** A recv_error from the session's own path (unauthenticated, so it only starts a call: reliability R12). */
  | { readonly of: "recv-error"; readonly since: Instant };

/** Whether an answer is still waited for, the peer is being called anew, or that came to nothing and is to be done again. */
export type SilenceStage = "asking" | "called" | "call-failed";

/** How a session is doing, as everybody may see it, and what went through it as of its last sample. */
export interface Vitals extends TrafficCounts {
  /** Through sessions with this peer that are gone, and that it came after. */
  readonly earlier: TrafficCounts;
  readonly suspicion: Suspicion | undefined;
  /** `NEVER` before the first time. */
  readonly lastReceivedAt: Instant;
  readonly lastSentAt: Instant;
  readonly lastRecvErrorAt: Instant | undefined;
  /** A re-handshake that failed is not repeated before this. */
  readonly renewNotBefore: Instant | undefined;
  /** Send counter passed the mark for re-handshakes. */
  readonly counterHigh: boolean;
}

/** What left through a session, as of its last sample, and what of the rest this host says by itself. */
export interface Sent {
  sentPackets: number;
  sentBytes: number;
  postedPackets: number;
  postedBytes: number;
  answers: number;
  /** Of the posted ones, those that the last sample did not know yet. */
  carried: number;
  /** `NEVER` before the first sample that it was in. */
  sampledAt: Instant;
}

/** When something authenticated was last seen on it, if ever. */
export function heardAt({ lastReceivedAt }: Vitals): Instant | undefined {
  return lastReceivedAt === NEVER ? undefined : lastReceivedAt;
}

/** The same in the hands of its owner. One object for each session: three of them, each in a map of its own, took twice the room. */
export type OwnedVitals = { -readonly [Key in keyof Vitals]: Vitals[Key] } & Sent & {
    /** The last sample that it was in: by its number, since a set of thousands would be made anew for each sample. */
    seenInSample: number;
  };

/** Of a session about which nothing has been heard yet. */
export function newVitals(): OwnedVitals {
  return {
    earlier: NO_TRAFFIC,
    suspicion: undefined,
    lastReceivedAt: NEVER,
    lastSentAt: NEVER,
    lastRecvErrorAt: undefined,
    renewNotBefore: undefined,
    counterHigh: false,
    sentPackets: 0,
    sentBytes: 0,
    receivedPackets: 0,
    receivedBytes: 0,
    postedPackets: 0,
    postedBytes: 0,
    answers: 0,
    carried: 0,
    sampledAt: NEVER,
    seenInSample: -1,
  };
}
