import { expect, test } from "vitest";
import { NEVER } from "../../../../src/core/base/time.ts";
import { newVitals } from "../../../../src/core/peer/vitals.ts";

test("what changes with every packet is a number from the start, so that no change leaves an object behind", () => {
  const { lastReceivedAt, lastSentAt, sampledAt, receivedPackets, sentPackets } = newVitals();
  expect([lastReceivedAt, lastSentAt, sampledAt]).toEqual([NEVER, NEVER, NEVER]);
  for (const one of [lastReceivedAt, lastSentAt, sampledAt, receivedPackets, sentPackets])
    expect(one).toBeTypeOf("number");
});
