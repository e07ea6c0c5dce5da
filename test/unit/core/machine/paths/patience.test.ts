import { describe, expect, test } from "vitest";
import { instant } from "../../../../../src/core/base/time.ts";
import {
  askAfterMs,
  judgeAfterMs,
  patienceMs,
  turnAfterMs,
  Watchfulness,
} from "../../../../../src/core/machine/paths/patience.ts";

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

describe("somebody is asked", () => {
  test("as soon as an answer is later than a round trip, and after no less than 50 ms", () => {
    expect(askAfterMs({ smoothedMs: 160, usualMs: 160 })).toBe(170);
    expect(askAfterMs({ smoothedMs: 20, usualMs: 20 })).toBe(50);
  });

  test("later where answers come at uneven times, and never later than they are waited for", () => {
    expect(askAfterMs({ smoothedMs: 160, usualMs: 230 })).toBe(230);
    expect(askAfterMs({ smoothedMs: 160, usualMs: 900 })).toBe(900);
    expect(askAfterMs({ smoothedMs: 9_000, usualMs: 9_000 })).toBe(3_000);
    expect(askAfterMs({ smoothedMs: undefined, usualMs: undefined })).toBe(500);
  });
});

describe("somebody who was asked is given up", () => {
  test("when nothing has come for twice the time that an answer may take, however early the question was", () => {
    for (const way of [
      { smoothedMs: 160, usualMs: 160 },
      { smoothedMs: 20, usualMs: 20 },
      { smoothedMs: 160, usualMs: 230 },
      { smoothedMs: undefined, usualMs: undefined },
    ])
      expect(askAfterMs(way) + judgeAfterMs(way)).toBe(2 * patienceMs(way));
  });
});

describe("a way that is silent while another one answers is left", () => {
  const way = { smoothedMs: 20, usualMs: 40 };

  test("a moment after its answer usually comes", () => {
    expect(turnAfterMs(way, 0)).toBe(45);
    expect(turnAfterMs({}, 0)).toBe(5);
  });

  test("as much later as the other answer was late, and after three seconds at the latest", () => {
    expect(turnAfterMs(way, 140)).toBe(185);
    expect(turnAfterMs(way, 60_000)).toBe(3_000);
  });
});

describe("silence", () => {
  test("on a long way is asked about after a round trip, after a false alarm as late as answers are waited for, and then twice as late", () => {
    const watch = new Watchfulness();
    const after: number[] = [];
    for (let i = 0; i < 4; i++) {
      after.push(watch.afterMs({ smoothedMs: 160, usualMs: 160 }, 1, instant(0)));
      watch.falseAlarm(instant(0));
    }
    expect(after).toEqual([170, 240, 480, 960]);
  });

  test("is asked about later after each false alarm, by 400 ms at most where much is sent", () => {
    const watch = new Watchfulness();
    const after: number[] = [];
    for (let i = 0; i < 6; i++) {
      after.push(watch.afterMs(SHORT, 1_000, instant(0)));
      watch.falseAlarm(instant(0));
    }
    expect(after).toEqual([50, 100, 200, 400, 400, 400]);
  });

  test("is asked about once for eight packets at most where little is sent, and after five seconds at the latest", () => {
    const watch = alarmed(20);
    expect(watch.afterMs(SHORT, 5, instant(0))).toBe(1_600);
    expect(watch.afterMs(SHORT, 0.1, instant(0))).toBe(5_000);
  });

  test("is asked about sooner again when there was no false alarm for ten seconds", () => {
    const watch = alarmed(2);
    expect(watch.afterMs(SHORT, 1_000, instant(9_999))).toBe(200);
    expect(watch.afterMs(SHORT, 1_000, instant(10_000))).toBe(100);
    expect(watch.afterMs(SHORT, 1_000, instant(19_999))).toBe(100);
    expect(watch.afterMs(SHORT, 1_000, instant(20_000))).toBe(50);
  });

  test("on a long way is never asked about before an answer can have come", () => {
    expect(alarmed(20).afterMs({ smoothedMs: 1_900, usualMs: 2_000 }, 1_000, instant(0))).toBe(2_850);
  });
});

const SHORT = { smoothedMs: 1, usualMs: 1 };

function alarmed(times: number): Watchfulness {
  const watch = new Watchfulness();
  for (let i = 0; i < times; i++) watch.falseAlarm(instant(0));
  return watch;
}
