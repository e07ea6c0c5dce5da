import type { SessionActivity } from "../../dataplane/contract.ts";
import { added, combined, NO_TRAFFIC, type TrafficCounts } from "../../peer/traffic-counts.ts";
import type { OwnedVitals, Vitals } from "../../peer/vitals.ts";

/** The sum over these sessions, and over those that they came after. */
export function trafficOf(sessions: readonly Vitals[]): TrafficCounts {
  return sessions.reduce((sum, vitals) => added(sum, added(vitals, vitals.earlier)), NO_TRAFFIC);
}

/** A session is gone, and its peer has another one. */
export function inherit(heir: OwnedVitals, gone: Vitals): void {
  heir.earlier = added(heir.earlier, trafficOf([gone]));
}

/** What went through a session since `before`, which is what it said the last time. */
export function trafficSince(before: TrafficCounts, activity: SessionActivity): TrafficCounts {
  return combined(countsOf(activity), before, (now, then) => Math.max(now - then, 0));
}

function countsOf({ sentPackets, sentBytes, receivedPackets, receivedBytes }: SessionActivity): TrafficCounts {
  return {
    sentPackets: Number(sentPackets),
    sentBytes: Number(sentBytes),
    receivedPackets: Number(receivedPackets),
    receivedBytes: Number(receivedBytes),
  };
}
