import { describe, expect, test } from "vitest";
import { instant } from "../../../../src/core/base/time.ts";
import { TestRequests } from "../../../../src/core/tunnel/test-requests.ts";
import { session, trusted } from "../../fixtures/sessions.ts";

const peer = trusted("peer", "10.77.0.2/16");

describe("a test reply", () => {
  test("answers a request of its own session, each only once", () => {
    const requests = new TestRequests();
    const [tunnel, other] = [session(peer), session(peer)];
    requests.sent(tunnel, { sentAt: instant(1), pingId: 7 });
    expect(requests.replied(other, instant(3))).toBeUndefined();
    expect(requests.replied(tunnel, instant(3))).toEqual({ sentAt: 1, pingId: 7 });
    expect(requests.replied(tunnel, instant(3))).toBeUndefined();
  });

  test("answers the request that fits the known round trip, though an earlier one was lost", () => {
    const requests = new TestRequests();
    const tunnel = session(peer);
    tunnel.roundTripMs = 300;
    for (const [sentAt, pingId] of [
      [0, 1],
      [1000, 2],
      [1200, 3],
    ] as const)
      requests.sent(tunnel, { sentAt: instant(sentAt), pingId });
    expect(requests.replied(tunnel, instant(1300))?.pingId).toBe(2);
    expect(requests.replied(tunnel, instant(1500))?.pingId).toBe(3);
  });

  test("answers the newest request while no round trip is known, or the one that fits the handshake", () => {
    const requests = new TestRequests();
    const [unknown, initiated] = [session(peer), session(peer, { handshakeMs: 900 })];
    for (const tunnel of [unknown, initiated]) {
      requests.sent(tunnel, { sentAt: instant(0), pingId: 1 });
      requests.sent(tunnel, { sentAt: instant(1000), pingId: 2 });
    }
    expect(requests.replied(unknown, instant(1010))?.pingId).toBe(2);
    expect(requests.replied(initiated, instant(1010))?.pingId).toBe(1);
  });

  test("does not answer a request that was lost ten seconds ago", () => {
    const requests = new TestRequests();
    const tunnel = session(peer);
    requests.sent(tunnel, { sentAt: instant(0), pingId: 1 });
    requests.sent(tunnel, { sentAt: instant(9000), pingId: 2 });
    expect(requests.replied(tunnel, instant(10_000))?.pingId).toBe(2);
  });

  test("is awaited for 256 requests at most", () => {
    const requests = new TestRequests();
    const tunnel = session(peer);
    const taken = Array.from({ length: 300 }, () => requests.sent(tunnel, { sentAt: instant(0), pingId: undefined }));
    expect(taken.filter(Boolean)).toHaveLength(256);
  });
});
