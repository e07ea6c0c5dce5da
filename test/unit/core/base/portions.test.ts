import { expect, test } from "vitest";
import { Portions } from "../../../../src/core/base/portions.ts";
import { instant } from "../../../../src/core/base/time.ts";

const many = Array.from({ length: 600 }, (_, i) => i);

test("few things are taken at once", () => {
  const portions = new Portions<number>();
  portions.begin([1, 2, 3], instant(0));
  expect(portions.takeDue(instant(0))).toEqual([1, 2, 3]);
  expect([portions.isDone, portions.nextAt(), portions.takeDue(instant(100))]).toEqual([true, undefined, undefined]);
});

test("many are taken portion by portion, with a pause after each, in their order and each once", () => {
  const portions = new Portions<number>();
  portions.begin(many, instant(0));
  const taken = [...(portions.takeDue(instant(0)) ?? [])];
  expect([taken.length, portions.takeDue(instant(4)), portions.isDone]).toEqual([256, undefined, false]);
  for (let at = portions.nextAt(); at !== undefined; at = portions.nextAt())
    taken.push(...(portions.takeDue(at) ?? []));
  expect(taken).toEqual(many);
  expect(portions.isDone).toBe(true);
});

test("what has time is spread over it, and what has none takes its pauses all the same", () => {
  const portions = new Portions<number>({ items: 100, pauseMs: 2 });
  const endOf = (withinMs: number) => {
    portions.begin(many, instant(0), withinMs);
    let end = instant(0);
    for (let at = portions.nextAt(); at !== undefined; at = portions.nextAt()) {
      portions.takeDue(at);
      end = at;
    }
    return end;
  };
  expect([endOf(600), endOf(0)]).toEqual([500, 10]);
});

test("what is taken late each time is done in its time all the same, with its pauses", () => {
  const portions = new Portions<number>({ items: 100, pauseMs: 2 });
  const takenAt = (late: number) => {
    const moments: number[] = [];
    portions.begin(many, instant(0), 600);
    for (let at = portions.nextAt(); at !== undefined; at = portions.nextAt()) {
      const now = instant(at + late);
      portions.takeDue(now);
      moments.push(now);
    }
    return moments;
  };
  expect(takenAt(30)).toEqual([30, 130, 230, 330, 430, 530]);
  portions.begin(many, instant(0), 600);
  portions.takeDue(instant(450));
  expect(portions.nextAt()).toBe(452);
});

test("the next portion is to be had before it is due, and none after the last one", () => {
  const portions = new Portions<number>({ items: 400, pauseMs: 5 });
  portions.begin(many, instant(0));
  expect(portions.takeDue(instant(0))).toEqual(many.slice(0, 400));
  expect(portions.takeNext(instant(0))).toEqual(many.slice(400));
  expect(portions.takeNext(instant(0))).toBeUndefined();
});

test("what is left is to be had at once, and only once", () => {
  const portions = new Portions<number>();
  portions.begin(many, instant(0));
  portions.takeDue(instant(0));
  expect(portions.takeRest(instant(1))).toEqual(many.slice(256));
  expect(portions.takeRest(instant(1))).toBeUndefined();
});

test("nothing is due after a stop", () => {
  const portions = new Portions<number>();
  portions.begin(many, instant(0));
  portions.stop();
  expect([portions.nextAt(), portions.takeDue(instant(1_000))]).toEqual([undefined, undefined]);
});
