import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { StatusFeed } from "../../../src/admin/status-feed.ts";
import { type StatusReport, statusReport } from "../../../src/admin/status-report.ts";
import type { NodeStatus } from "../../../src/core/io.ts";
import { daemonFacts, NOW_MS, nodeStatus, peerStatus } from "./fixture.ts";

let node: NodeStatus;
let made: number;
let feed: StatusFeed;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW_MS });
  node = nodeStatus();
  made = 0;
  feed = new StatusFeed(() => {
    made++;
    return statusReport(node, daemonFacts(), Date.now());
  });
});
afterEach(() => void vi.useRealTimers());

describe("the picture of a host", () => {
  test("is shown at once, and again when something has changed", () => {
    const { pictures } = watch();
    expect(pictures).toHaveLength(1);
    node = nodeStatus({ peers: [] });
    vi.advanceTimersByTime(1_000);
    expect(pictures.map(({ peers }) => peers.length)).toEqual([1, 0]);
  });

  test("is not shown again because time has passed", () => {
    const { pictures } = watch();
    for (let s = 1; s < 60; s++) {
      node = nodeStatus({
        peers: [peerStatus({ lastReceivedMs: 2_345.6 + s * 1_000, establishedMs: 60_000 + s * 1_000 })],
      });
      vi.advanceTimersByTime(1_000);
    }
    expect(pictures).toHaveLength(1);
  });

  test("is shown once a second at most, however much happens", () => {
    const { pictures } = watch();
    for (let i = 1; i <= 100; i++) {
      node = nodeStatus({ peers: [peerStatus({ sentBytes: i })] });
      vi.advanceTimersByTime(100);
    }
    expect(pictures).toHaveLength(11);
  });

  test("reaches a reader that was busy as the newest one, without those in between", () => {
    const { pictures, sink } = watch();
    sink.isIdle = false;
    for (let i = 1; i <= 5; i++) {
      node = nodeStatus({ peers: [peerStatus({ sentBytes: i })] });
      vi.advanceTimersByTime(1_000);
    }
    sink.isIdle = true;
    vi.advanceTimersByTime(1_000);
    expect(pictures.map(({ peers }) => peers[0]?.sentBytes)).toEqual([1_000, 5]);
  });

  test("is made once for all who watch, and not at all when nobody does", () => {
    const all = [watch(), watch(), watch()];
    made = 0;
    vi.advanceTimersByTime(5_000);
    expect(made).toBe(5);
    for (const { stop } of all) stop();
    expect(vi.getTimerCount()).toBe(0);
    watch();
    vi.advanceTimersByTime(2_000);
    expect(made).toBe(8);
  });
});

function watch() {
  const pictures: StatusReport[] = [];
  const sink = { isIdle: true, push: (picture: unknown) => void pictures.push(picture as StatusReport) };
  return { pictures, sink, stop: feed.follow(sink) };
}
