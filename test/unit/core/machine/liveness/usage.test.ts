import { describe, expect, test } from "vitest";
import { instant } from "../../../../../src/core/base/time.ts";
import type { LocalIndex, SessionActivity } from "../../../../../src/core/dataplane/contract.ts";
import { notePosted, takeUse } from "../../../../../src/core/machine/liveness/usage.ts";
import { newVitals } from "../../../../../src/core/peer/vitals.ts";

const INDEX = 7 as LocalIndex;

describe("a session is used", () => {
  test("when an inner packet went through it, be it the shortest there is", () => {
    const session = newVitals();
    expect(takeUse(session, sent(1, 52), instant(1000))).toMatchObject({ isUsed: true, wantsAnswer: true });
  });

  test("not when its data plane answered tests and path requests", () => {
    const session = newVitals();
    expect(takeUse(session, sent(4, 2 * 32 + 2 * 48), instant(1000))).toMatchObject({ isUsed: false });
  });

  test("not by what this host says itself, and between that it still is", () => {
    const session = newVitals();
    notePosted(session, 300, false);
    expect(takeUse(session, sent(1, 332), instant(1000))).toMatchObject({ isUsed: false, wantsAnswer: true });
    notePosted(session, 300, false);
    expect(takeUse(session, sent(3, 332 * 2 + 84), instant(2000))).toMatchObject({ isUsed: true });
  });

  test("so many times a second", () => {
    const session = newVitals();
    takeUse(session, sent(10, 1_000), instant(1000));
    expect(takeUse(session, sent(30, 3_000), instant(3000)).sentPerSecond).toBe(10);
  });
});

describe("an answer", () => {
  test("wants none itself: nobody has been spoken to in vain who was only sent acknowledgements", () => {
    const session = newVitals();
    notePosted(session, 20, true);
    expect(takeUse(session, sent(1, 52), instant(1000))).toMatchObject({ wantsAnswer: false, isUsed: false });
    notePosted(session, 20, true);
    notePosted(session, 20, false);
    expect(takeUse(session, sent(3, 156), instant(2000))).toMatchObject({ wantsAnswer: true });
  });
});

describe("what was said after the sample was taken, and before it was looked at,", () => {
  test("is what the next one tells of, and no use", () => {
    const session = newVitals();
    takeUse(session, sent(1, 52), instant(1000));
    notePosted(session, 300, true);
    expect(takeUse(session, sent(1, 52), instant(2000))).toMatchObject({ wantsAnswer: false, isUsed: false });
    expect(takeUse(session, sent(2, 52 + 332), instant(3000))).toMatchObject({ wantsAnswer: false, isUsed: false });
  });

  test("counts for one sample: what was dropped excuses nothing that is sent later", () => {
    const session = newVitals();
    notePosted(session, 300, true);
    takeUse(session, sent(0, 0), instant(1000));
    takeUse(session, sent(0, 0), instant(2000));
    expect(takeUse(session, sent(1, 84), instant(3000))).toMatchObject({ wantsAnswer: true, isUsed: true });
  });

  test("is told from an answer that was sent with it", () => {
    const session = newVitals();
    notePosted(session, 20, true);
    notePosted(session, 20, true);
    expect(takeUse(session, sent(1, 52), instant(1000))).toMatchObject({ wantsAnswer: false });
    expect(takeUse(session, sent(2, 104), instant(2000))).toMatchObject({ wantsAnswer: false });
    expect(takeUse(session, sent(3, 156), instant(3000))).toMatchObject({ wantsAnswer: true });
  });

  test("is told from what the data plane has answered by itself", () => {
    const session = newVitals();
    expect(takeUse(session, sent(2, 104, 2), instant(1000))).toMatchObject({ wantsAnswer: false, isUsed: false });
    expect(takeUse(session, sent(4, 240, 1), instant(2000))).toMatchObject({ wantsAnswer: true, isUsed: true });
  });
});

function sent(packets: number, bytes: number, kept = 0): SessionActivity {
  return {
    localIndex: INDEX,
    received: false,
    sent: true,
    receivedPackets: 0n,
    receivedBytes: 0n,
    sentPackets: BigInt(packets),
    sentBytes: BigInt(bytes),
    keptAnswers: kept,
    keptAnswerBytes: kept * 52,
  };
}
