import { describe, expect, test } from "vitest";
import { instant, later } from "../../../../../src/core/base/time.ts";
import {
  heardLately,
  isAbandoned,
  isInactive,
  judgeActivity,
} from "../../../../../src/core/machine/liveness/activity.ts";
import { newVitals } from "../../../../../src/core/peer/vitals.ts";
import { aSession, trusted } from "../../../fixtures/sessions.ts";

const peer = trusted("peer", "10.77.0.2/16");
const policy = { connectionAliveMs: 5000, pendingDeletionMs: 10_000 };
const SENT = { sent: true, received: false };
const BOTH = { sent: true, received: true };
const IDLE = { sent: false, received: false };

describe("a session that sends", () => {
  test("and hears nothing is doubted, left to its answer, probed each second when there is none, called again, removed after ten", () => {
    const [session, vitals] = [aSession(peer), newVitals()];
    const actionAt = (second: number): string => judgeActivity(session, vitals, SENT, instant(second * 1000), policy);
    expect(actionAt(2)).toBe("doubt");
    const since = instant(2000);
    vitals.suspicion = { of: "silence", since, asked: 2, stage: "asking" };
    expect(actionAt(3)).toBe("none");
    vitals.suspicion = { of: "silence", since, asked: 2, stage: "called" };
    expect(actionAt(4)).toBe("probe");
    vitals.suspicion = { of: "silence", since, asked: 2, stage: "call-failed" };
    expect(actionAt(9)).toBe("probe-and-call");
    expect(actionAt(12)).toBe("remove");
  });

  test("and hears an answer is not in doubt any more", () => {
    const [session, vitals] = [aSession(peer), newVitals()];
    vitals.suspicion = { of: "silence", since: instant(2000), asked: 2, stage: "called" };
    expect(judgeActivity(session, vitals, BOTH, instant(3000), policy)).toBe("none");
    expect(vitals.suspicion).toBeUndefined();
  });

  test("is left alone in its first second", () => {
    const [session, vitals] = [aSession(peer, { at: instant(5000) }), newVitals()];
    expect(judgeActivity(session, vitals, SENT, instant(5500), policy)).toBe("none");
  });

  test("is removed earlier when timers.pending_deletion_interval says so", () => {
    const [session, vitals] = [aSession(peer), newVitals()];
    vitals.suspicion = { of: "silence", since: instant(2000), asked: 2, stage: "called" };
    expect(judgeActivity(session, vitals, SENT, instant(4000), { ...policy, pendingDeletionMs: 2000 })).toBe("remove");
  });
});

describe("a session that does nothing", () => {
  test("is left alone for ever", () => {
    const [session, vitals] = [aSession(peer), newVitals()];
    expect(judgeActivity(session, vitals, IDLE, instant(86_400_000), policy)).toBe("none");
  });

  test("is inactive after the time that is configured", () => {
    const [session, vitals] = [aSession(peer), newVitals()];
    vitals.lastReceivedAt = instant(5000);
    expect(isInactive(session, vitals, instant(64_999), 60_000)).toBe(false);
    expect(isInactive(session, vitals, instant(65_000), 60_000)).toBe(true);
  });
});

describe("a session that its peer has disowned", () => {
  test("is probed, and removed after ten seconds of silence", () => {
    const [session, vitals] = [aSession(peer), newVitals()];
    vitals.suspicion = { of: "recv-error", since: instant(1000) };
    expect(judgeActivity(session, vitals, IDLE, instant(10_000), policy)).toBe("probe");
    expect(judgeActivity(session, vitals, IDLE, instant(11_000), policy)).toBe("remove");
  });
});

describe("a secondary session", () => {
  test("is abandoned when it was not used for one check and one deletion interval", () => {
    const [session, vitals] = [aSession(peer), newVitals()];
    session.secondarySince = instant(1000);
    vitals.lastReceivedAt = instant(3000);
    expect(isAbandoned(session, vitals, later(instant(3000), 14_999), policy)).toBe(false);
    expect(isAbandoned(session, vitals, later(instant(3000), 15_000), policy)).toBe(true);
  });

  test("counts as used while packets came within the last check", () => {
    const vitals = newVitals();
    expect(heardLately(vitals, instant(1), policy)).toBe(false);
    vitals.lastReceivedAt = instant(1000);
    expect(heardLately(vitals, instant(6000), policy)).toBe(true);
    expect(heardLately(vitals, instant(6001), policy)).toBe(false);
  });

  test("that sends, or waits for proof, is never abandoned", () => {
    const primary = aSession(peer);
    primary.secondarySince = undefined;
    expect(isAbandoned(primary, newVitals(), instant(1e9), policy)).toBe(false);
    expect(isAbandoned(aSession(peer, { confirmed: false }), newVitals(), instant(1e9), policy)).toBe(false);
  });
});
