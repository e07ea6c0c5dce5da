import { describe, expect, test } from "vitest";
import { instant } from "../../../../src/core/base/time.ts";
import { TestRequests } from "../../../../src/core/tunnel/test-requests.ts";
import { session, trusted } from "../../fixtures/sessions.ts";

const peer = trusted("peer", "10.77.0.2/16");

describe("a test reply", () => {
  test("answers the oldest request of its session", () => {
    const requests = new TestRequests();
    const [tunnel, other] = [session(peer), session(peer)];
    requests.sent(tunnel, { sentAt: instant(1), pingId: undefined });
    requests.sent(tunnel, { sentAt: instant(2), pingId: 7 });
    expect(requests.replied(other, instant(3))).toBeUndefined();
    expect(requests.replied(tunnel, instant(3))).toEqual({ sentAt: 1, pingId: undefined });
    expect(requests.replied(tunnel, instant(3))).toEqual({ sentAt: 2, pingId: 7 });
    expect(requests.replied(tunnel, instant(3))).toBeUndefined();
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
