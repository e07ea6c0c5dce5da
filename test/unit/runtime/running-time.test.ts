import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RunningTime } from "../../../src/runtime/running-time.ts";

describe("running time", () => {
  test("is real time while it is looked at every second", () => {
    const time = new RunningTime(500);
    for (let now = 1_500; now <= 60_500; now += 1_000) time.beat(now);
    expect(time.at(60_900)).toBe(60_900);
  });

  test("counts two seconds of a stop, however long it was", () => {
    const time = new RunningTime(0);
    time.beat(1_000);
    expect(time.at(3_600_000)).toBe(3_000);
    time.beat(3_600_000);
    expect(time.at(3_600_000)).toBe(3_000);
    expect(time.at(3_600_700)).toBe(3_700);
  });

  test("never goes back", () => {
    const time = new RunningTime(0);
    let last = 0;
    for (const [now, beats] of [[900], [2_500], [2_600, 1], [2_700], [90_000], [90_100, 1], [90_200]] as const) {
      if (beats) time.beat(now);
      expect(time.at(now)).toBeGreaterThanOrEqual(last);
      last = time.at(now);
    }
  });
});

describe("what is due after so much running time", () => {
  let stoppedMs = 0;
  let afterRunning: typeof import("../../../src/runtime/running-time.ts")["afterRunning"];

  beforeEach(async () => {
    stoppedMs = 0;
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "performance"] });
    const now = performance.now.bind(performance);
    vi.spyOn(performance, "now").mockImplementation(() => now() + stoppedMs);
    vi.resetModules();
    ({ afterRunning } = await import("../../../src/runtime/running-time.ts"));
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  const turn = () => new Promise((resolve) => setImmediate(resolve));

  test("is done then, and behind what was to be read in that turn", async () => {
    const expired = vi.fn();
    afterRunning(5_000, expired);
    await vi.advanceTimersByTimeAsync(4_999);
    await turn();
    expect(expired).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(expired).not.toHaveBeenCalled();
    await turn();
    expect(expired).toHaveBeenCalledOnce();
  });

  test("waits on after a stop", async () => {
    const expired = vi.fn();
    afterRunning(5_000, expired);
    await vi.advanceTimersByTimeAsync(1_500);
    stoppedMs = 60_000;
    await vi.advanceTimersByTimeAsync(1_500);
    await turn();
    expect(expired).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(3_500);
    await turn();
    expect(expired).toHaveBeenCalledOnce();
  });

  test("is not done when it was called off, even in the last turn", async () => {
    const expired = vi.fn();
    const cancel = afterRunning(1_000, expired);
    vi.advanceTimersByTime(1_000);
    cancel();
    await turn();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(expired).not.toHaveBeenCalled();
  });
});
