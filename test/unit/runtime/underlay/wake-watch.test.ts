import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { wakeWatch } from "../../../../src/runtime/underlay/wake-watch.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test.each([
  ["a machine that slept: its steady clock stood still", { steady: 500, wall: 60_500 }, [60_000]],
  ["a process that stood still", { steady: 60_500, wall: 60_500 }, [60_000]],
  ["a busy machine", { steady: 3_000, wall: 3_000 }, []],
  ["a wall clock that is put back", { steady: 500, wall: -60_000 }, []],
])("a look at the clocks tells %s", (_, passed, expected) => {
  const clocks = { steady: 1_000, wall: 1_000_000 };
  const woke: number[] = [];
  const watch = wakeWatch(
    (asleepMs) => void woke.push(asleepMs),
    () => ({ ...clocks }),
  );
  watch.start();
  clocks.steady += passed.steady;
  clocks.wall += passed.wall;
  vi.advanceTimersByTime(500);
  clocks.steady += 500;
  clocks.wall += 500;
  vi.advanceTimersByTime(500);
  watch.stop();
  clocks.wall += 90_000;
  vi.advanceTimersByTime(500);
  expect(woke).toEqual(expected);
});
