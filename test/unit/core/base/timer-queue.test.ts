import fc from "fast-check";
import { expect, test } from "vitest";
import { instant } from "../../../../src/core/base/time.ts";
import { TimerQueue } from "../../../../src/core/base/timer-queue.ts";

test("the earliest deadline comes first, and nothing before its time", () => {
  const timers = new TimerQueue<string>();
  timers.schedule("late", instant(30));
  timers.schedule("early", instant(10));
  expect(timers.next()).toMatchObject({ key: "early", at: 10 });
  expect(timers.popDue(instant(9))).toBeUndefined();
  expect(timers.popDue(instant(10))).toBe("early");
  expect(timers.popDue(instant(29))).toBeUndefined();
  expect(timers.popDue(instant(1_000))).toBe("late");
  expect(timers.next()).toBeUndefined();
});

test("deadlines at the same time come in the order in which they were set", () => {
  const timers = new TimerQueue<string>();
  for (const key of ["c", "a", "b"]) timers.schedule(key, instant(5));
  timers.schedule("c", instant(5));
  expect([1, 2, 3].map(() => timers.popDue(instant(5)))).toEqual(["a", "b", "c"]);
});

test("a key has one deadline: setting it again replaces the old one", () => {
  const timers = new TimerQueue<string>();
  timers.schedule("key", instant(5));
  timers.schedule("key", instant(50));
  expect(timers.size).toBe(1);
  expect(timers.popDue(instant(49))).toBeUndefined();
  expect(timers.popDue(instant(50))).toBe("key");
});

test("a cancelled deadline never comes, and cancelling nothing does nothing", () => {
  const timers = new TimerQueue<string>();
  timers.schedule("key", instant(5));
  timers.cancel("key");
  timers.cancel("other");
  expect(timers.popDue(instant(1_000))).toBeUndefined();
});

test("any history gives what a sorted list gives", () => {
  const step = fc.record({
    kind: fc.constantFrom("schedule", "cancel", "pop"),
    key: fc.integer({ min: 0, max: 12 }),
    at: fc.integer({ min: 0, max: 20 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const timers = new TimerQueue<number>();
      let model: { key: number; at: number }[] = [];
      for (const { kind, key, at } of steps) {
        if (kind !== "pop") model = model.filter((entry) => entry.key !== key);
        if (kind === "schedule") {
          timers.schedule(key, instant(at));
          const index = model.findIndex((entry) => entry.at > at);
          model.splice(index < 0 ? model.length : index, 0, { key, at });
        } else if (kind === "cancel") timers.cancel(key);
        else {
          const due = model[0] && model[0].at <= at ? model.shift()?.key : undefined;
          expect(timers.popDue(instant(at))).toBe(due);
        }
        expect(timers.next()?.key).toBe(model[0]?.key);
        expect(timers.size).toBe(model.length);
      }
    }),
  );
});

test("all that are due are taken at once, in order, with what is set meanwhile and is due as well", () => {
  const timers = new TimerQueue<string>();
  timers.schedule("second", instant(7));
  timers.schedule("first", instant(5));
  timers.schedule("later", instant(11));
  const taken: string[] = [];
  for (const key of timers.takeDue(instant(10))) {
    taken.push(key);
    if (key === "first") timers.schedule("set meanwhile", instant(6));
  }
  expect(taken).toEqual(["first", "set meanwhile", "second"]);
  expect(timers.next()).toMatchObject({ key: "later" });
});

test("none is left of those that are cleared, and others can be set", () => {
  const timers = new TimerQueue<string>();
  for (const key of ["one", "two"]) timers.schedule(key, instant(5));
  timers.clear();
  expect([timers.size, timers.next(), timers.popDue(instant(9))]).toEqual([0, undefined, undefined]);
  timers.schedule("one", instant(7));
  expect(timers.popDue(instant(9))).toBe("one");
});
