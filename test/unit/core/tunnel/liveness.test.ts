import { describe, expect, test } from "vitest";
import { instant, later } from "../../../../src/core/base/time.ts";
import { heardLately, isAbandoned, isInactive, judgeActivity } from "../../../../src/core/tunnel/liveness.ts";
import { session, trusted } from "../../fixtures/sessions.ts";

const peer = trusted("peer", "10.77.0.2/16");
const policy = { connectionAliveMs: 5000, pendingDeletionMs: 10_000 };
const SENT = { sent: true, received: false };
const BOTH = { sent: true, received: true };
const IDLE = { sent: false, received: false };

describe("a session that sends", () => {
  test("and hears nothing is probed each second, called beside after three, removed after ten", () => {
    const tunnel = session(peer);
    const actions: string[] = [];
    for (let second = 2; second <= 12; second++)
      actions.push(judgeActivity(tunnel, SENT, instant(second * 1000), policy));
    expect(actions).toEqual([
      ...["probe", "probe", "probe", "probe-and-call"],
      ...["probe", "probe", "probe", "probe", "probe", "probe"],
      "remove",
    ]);
  });

  test("and hears an answer is not in doubt any more", () => {
    const tunnel = session(peer);
    judgeActivity(tunnel, SENT, instant(2000), policy);
    expect(tunnel.suspicion).toBeDefined();
    expect(judgeActivity(tunnel, BOTH, instant(3000), policy)).toBe("none");
    expect(tunnel.suspicion).toBeUndefined();
  });

  test("is left alone in its first second", () => {
    const tunnel = session(peer, { at: instant(5000) });
    expect(judgeActivity(tunnel, SENT, instant(5500), policy)).toBe("none");
  });

  test("is removed earlier when timers.pending_deletion_interval says so", () => {
    const tunnel = session(peer);
    judgeActivity(tunnel, SENT, instant(2000), policy);
    expect(judgeActivity(tunnel, SENT, instant(4000), { ...policy, pendingDeletionMs: 2000 })).toBe("remove");
  });
});

describe("a session that does nothing", () => {
  test("is left alone for ever", () => {
    const tunnel = session(peer);
    expect(judgeActivity(tunnel, IDLE, instant(86_400_000), policy)).toBe("none");
  });

  test("is inactive after the time that is configured", () => {
    const tunnel = session(peer);
    tunnel.lastReceivedAt = instant(5000);
    expect(isInactive(tunnel, instant(64_999), 60_000)).toBe(false);
    expect(isInactive(tunnel, instant(65_000), 60_000)).toBe(true);
  });
});

describe("a session that its peer has disowned", () => {
  test("is probed, and removed after ten seconds of silence", () => {
    const tunnel = session(peer);
    tunnel.suspicion = { of: "recv-error", since: instant(1000) };
    expect(judgeActivity(tunnel, IDLE, instant(10_000), policy)).toBe("probe");
    expect(judgeActivity(tunnel, IDLE, instant(11_000), policy)).toBe("remove");
  });
});

describe("a secondary session", () => {
  test("is abandoned when it was not used for one check and one deletion interval", () => {
    const tunnel = session(peer);
    tunnel.secondarySince = instant(1000);
    tunnel.lastReceivedAt = instant(3000);
    expect(isAbandoned(tunnel, later(instant(3000), 14_999), policy)).toBe(false);
    expect(isAbandoned(tunnel, later(instant(3000), 15_000), policy)).toBe(true);
  });

  test("counts as used while packets came within the last check", () => {
    const tunnel = session(peer);
    expect(heardLately(tunnel, instant(1), policy)).toBe(false);
    tunnel.lastReceivedAt = instant(1000);
    expect(heardLately(tunnel, instant(6000), policy)).toBe(true);
    expect(heardLately(tunnel, instant(6001), policy)).toBe(false);
  });

  test("that sends, or waits for proof, is never abandoned", () => {
    const primary = session(peer);
    primary.secondarySince = undefined;
    expect(isAbandoned(primary, instant(1e9), policy)).toBe(false);
    expect(isAbandoned(session(peer, { confirmed: false }), instant(1e9), policy)).toBe(false);
  });
});
