import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { DataPlaneCounters } from "../../../../src/core/dataplane/contract.ts";
import type { Standing } from "../../../../src/core/dataplane/standing.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { directPath } from "../../../../src/core/path/path.ts";
import { StrangerWork, type UnprovenDatagram } from "../../../../src/runtime/strangers/stranger-work.ts";
import { noCounters } from "../../fixtures/counters.ts";

/** What one item takes, on a clock that nothing else moves. */
let itemMs = 1;
let worked: number;
let work: StrangerWork;
let handled: UnprovenDatagram[];

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setInterval", "setImmediate", "clearImmediate", "performance"],
  });
  const now = performance.now.bind(performance);
  worked = 0;
  handled = [];
  itemMs = 1;
  vi.spyOn(performance, "now").mockImplementation(() => now() + worked);
  work = new StrangerWork((event) => {
    handled.push(event);
    worked += itemMs;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("work for strangers", () => {
  test("is done in the turn of the event loop in which it came when there is nothing else", () => {
    add("first");
    expect(handled).toEqual([]);
    vi.advanceTimersToNextTimer();
    expect(handled).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("takes at most two milliseconds of a turn, or one item", () => {
    for (let i = 0; i < 20; i++) add("first");
    vi.advanceTimersToNextTimer();
    expect(handled).toHaveLength(2);
    itemMs = 30;
    vi.advanceTimersToNextTimer();
    expect(handled).toHaveLength(3);
  });

  test("goes on at half of the time once what was saved up is spent", async () => {
    setInterval(() => add("first"), 1);
    await vi.advanceTimersByTimeAsync(2_000);
    const share = worked / (2_000 + worked);
    expect(share).toBeGreaterThan(0.45);
    expect(share).toBeLessThan(0.55);
  });

  test("for somebody known is done while strangers have used up their share", () => {
    itemMs = 40;
    for (let i = 0; i < 6; i++) add("first");
    for (let turn = 0; turn < 3; turn++) vi.advanceTimersToNextTimer();
    expect(handled).toHaveLength(3);
    add("known");
    vi.advanceTimersToNextTimer();
    expect(handled.map(({ standing }) => standing)).toEqual(["first", "first", "first", "known"]);
  });

  test("that is refused is counted among the drops of the data plane, by what it was", () => {
    const counters = countersOf({ "handshake-limited": 5n, punch: 1n });
    expect(work.completed(counters)).toBe(counters);
    for (let i = 0; i < 258; i++) add("first");
    for (let i = 0; i < 259; i++) add("known", 16);
    expect(Object.fromEntries(work.completed(counters).drops)).toEqual({
      "handshake-limited": 7n,
      punch: 1n,
      "recv-error-limited": 3n,
    });
  });

  test("keeps nothing of the buffer that its datagram came in", () => {
    const buffer = new Uint8Array(65_536);
    const datagram = buffer.subarray(100, 400);
    work.add({ kind: "datagram", origin: directPath(SOURCE), standing: "first", datagram });
    vi.advanceTimersToNextTimer();
    expect(handled[0]?.datagram.buffer.byteLength).toBe(300);
  });

  test("ends when it is cleared", () => {
    itemMs = 40;
    for (let i = 0; i < 10; i++) add("first");
    for (let turn = 0; turn < 3; turn++) vi.advanceTimersToNextTimer();
    work.clear();
    expect(vi.getTimerCount()).toBe(0);
    add("known");
    vi.advanceTimersToNextTimer();
    expect(handled).toHaveLength(4);
  });
});

const SOURCE = "192.0.2.1:4242" as Endpoint;

function add(standing: Standing, bytes = 100): void {
  work.add({ kind: "datagram", origin: directPath(SOURCE), standing, datagram: new Uint8Array(bytes) });
}

function countersOf(drops: Readonly<Record<string, bigint>>): DataPlaneCounters {
  return noCounters({ drops: new Map(Object.entries(drops)) as DataPlaneCounters["drops"] });
}
