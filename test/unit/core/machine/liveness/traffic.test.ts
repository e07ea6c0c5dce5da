import { expect, test } from "vitest";
import { trafficOf, trafficSince } from "../../../../../src/core/machine/liveness/traffic.ts";
import { NO_TRAFFIC, type TrafficCounts } from "../../../../../src/core/peer/traffic-counts.ts";
import { newVitals } from "../../../../../src/core/peer/vitals.ts";

const COUNTS = { sentPackets: 3, sentBytes: 300, receivedPackets: 2, receivedBytes: 200 };

test("what went through the sessions of a peer, and through those that they came after, adds up", () => {
  const [young, old] = [newVitals(), newVitals()];
  Object.assign(young, COUNTS, { earlier: { ...NO_TRAFFIC, sentPackets: 40 } });
  old.sentPackets = 500;
  expect(trafficOf([young, old])).toEqual({ ...COUNTS, sentPackets: 543 });
  expect(trafficOf([])).toEqual(NO_TRAFFIC);
});

test("what a sample adds is what the session has counted since the one before, and nothing when its counts fall", () => {
  expect(trafficSince(NO_TRAFFIC, sample(COUNTS))).toEqual(COUNTS);
  expect(trafficSince({ ...COUNTS, sentPackets: 1 }, sample(COUNTS))).toEqual({ ...NO_TRAFFIC, sentPackets: 2 });
  expect(trafficSince(COUNTS, sample(NO_TRAFFIC))).toEqual(NO_TRAFFIC);
});

function sample({ sentPackets, sentBytes, receivedPackets, receivedBytes }: TrafficCounts) {
  return {
    localIndex: 1 as never,
    received: false,
    sent: true,
    sentPackets: BigInt(sentPackets),
    sentBytes: BigInt(sentBytes),
    receivedPackets: BigInt(receivedPackets),
    receivedBytes: BigInt(receivedBytes),
    keptAnswers: 0,
    keptAnswerBytes: 0,
  };
}
