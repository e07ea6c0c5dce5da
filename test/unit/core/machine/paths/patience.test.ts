import { describe, expect, test } from "vitest";
import { instant } from "../../../../../src/core/base/time.ts";
import { patienceMs, Watchfulness } from "../../../../../src/core/machine/paths/patience.ts";

describe("an answer is waited for", () => {
  test("one and a half round trips, and no less than 50 ms", () => {
    expect(patienceMs({ smoothedMs: 100, usualMs: 100 })).toBe(150);
    expect(patienceMs({ smoothedMs: 1, usualMs: 2 })).toBe(50);
  });

  test("longer where answers come at uneven times", () => {
    expect(patienceMs({ smoothedMs: 100, usualMs: 400 })).toBe(400);
  });

  test("three seconds at most, and half a second while nothing was measured", () => {
    expect(patienceMs({ smoothedMs: 9_000, usualMs: 9_000 })).toBe(3_000);
    expect(patienceMs({ smoothedMs: undefined, usualMs: undefined })).toBe(500);
  });
});

describe("silence", () => {
  test("is asked about later after each false alarm, by 400 ms at most where much is sent", () => {
    const watch = new Watchfulness();
    const after: number[] = [];
    for (let i = 0; i < 6; i++) {
      after.push(watch.afterMs(50, 1_000, instant(0)));
      watch.falseAlarm(instant(0));
    }
    expect(after).toEqual([50, 100, 200, 400, 400, 400]);
  });

  test("is asked about once for eight packets at most where little is sent, and after five seconds at the latest", () => {
    const watch = alarmed(20);
    expect(watch.afterMs(50, 5, instant(0))).toBe(1_600);
    expect(watch.afterMs(50, 0.1, instant(0))).toBe(5_000);
  });

  test("is asked about sooner again when there was no false alarm for ten seconds", () => {
    const watch = alarmed(2);
    expect(watch.afterMs(50, 1_000, instant(9_999))).toBe(200);
    expect(watch.afterMs(50, 1_000, instant(10_000))).toBe(100);
    expect(watch.afterMs(50, 1_000, instant(19_999))).toBe(100);
    expect(watch.afterMs(50, 1_000, instant(20_000))).toBe(50);
  });

  test("on a long way is never asked about before an answer can have come", () => {
    expect(alarmed(20).afterMs(2_000, 1_000, instant(0))).toBe(2_000);
  });
});

function alarmed(times: number): Watchfulness {
  const watch = new Watchfulness();
  for (let i = 0; i < times; i++) watch.falseAlarm(instant(0));
  return watch;
}
