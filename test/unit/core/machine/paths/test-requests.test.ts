import { describe, expect, test } from "vitest";
import { instant } from "../../../../../src/core/base/time.ts";
import { TestRequests } from "../../../../../src/core/machine/paths/test-requests.ts";
import { aSession, trusted } from "../../../fixtures/sessions.ts";

const peer = trusted("peer", "10.77.0.2/16");

describe("a test reply", () => {
  test("answers a request of its own session, each only once", () => {
    const requests = new TestRequests();
    const [session, other] = [aSession(peer), aSession(peer)];
    requests.sent(session, { sentAt: instant(1), pingId: 7 });
    expect(requests.replied(other, instant(3), undefined)).toBeUndefined();
    expect(requests.replied(session, instant(3), undefined)).toEqual({ sentAt: 1, pingId: 7 });
    expect(requests.replied(session, instant(3), undefined)).toBeUndefined();
  });

  test("answers the request that fits the known round trip, though an earlier one was lost", () => {
    const requests = new TestRequests();
    const session = aSession(peer);
    for (const [sentAt, pingId] of [
      [0, 1],
      [1000, 2],
      [1200, 3],
    ] as const)
      requests.sent(session, { sentAt: instant(sentAt), pingId });
    expect(requests.replied(session, instant(1300), 300)?.pingId).toBe(2);
    expect(requests.replied(session, instant(1500), 300)?.pingId).toBe(3);
  });

  test("answers the newest request while no round trip is known, or the one that fits the handshake", () => {
    const requests = new TestRequests();
    const [unknown, initiated] = [aSession(peer), aSession(peer, { handshakeMs: 900 })];
    for (const session of [unknown, initiated]) {
      requests.sent(session, { sentAt: instant(0), pingId: 1 });
      requests.sent(session, { sentAt: instant(1000), pingId: 2 });
    }
    expect(requests.replied(unknown, instant(1010), undefined)?.pingId).toBe(2);
    expect(requests.replied(initiated, instant(1010), undefined)?.pingId).toBe(1);
  });

  test("does not answer a request that was lost ten seconds ago", () => {
    const requests = new TestRequests();
    const session = aSession(peer);
    requests.sent(session, { sentAt: instant(0), pingId: 1 });
    requests.sent(session, { sentAt: instant(9000), pingId: 2 });
    expect(requests.replied(session, instant(10_000), undefined)?.pingId).toBe(2);
  });

  test("is awaited for 256 requests at most", () => {
    const requests = new TestRequests();
    const session = aSession(peer);
    const taken = Array.from({ length: 300 }, () => requests.sent(session, { sentAt: instant(0), pingId: undefined }));
    expect(taken.filter(Boolean)).toHaveLength(256);
  });
});
