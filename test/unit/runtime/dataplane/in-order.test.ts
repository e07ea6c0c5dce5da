import fc from "fast-check";
import { expect, test } from "vitest";
import { InOrder } from "../../../../src/runtime/dataplane/native/in-order.ts";

test("it is a map in the order of its numbers, of which those passed by are forgotten", () => {
  const step = fc.tuple(fc.constantFrom("add", "get", "take", "passed"), fc.nat({ max: 700 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.constantFrom(1, 2 ** 31 - 100, 2 ** 40), (steps, first) => {
      const waiting = new InOrder<string>();
      const model = new Map<number, string>();
      let next = first;
      for (const [what, by] of steps) {
        const at = Math.max(first, next - by);
        if (what === "add") {
          next += 1 + (by % 40);
          const value = by % 7 === 0 ? "kept" : "let go";
          waiting.add(next, value);
          model.set(next, value);
        } else if (what === "get") expect(waiting.get(at)).toBe(model.get(at));
        else if (what === "take") {
          expect(waiting.take(at)).toBe(model.get(at));
          model.delete(at);
        } else {
          waiting.passed(at, (value) => value === "kept");
          for (const [known, value] of model) {
            if (known >= at || value === "kept") break;
            model.delete(known);
          }
        }
        expect(waiting.size).toBe(model.size);
      }
      expect(waiting.takeAll()).toEqual([...model.values()]);
      expect(waiting.size).toBe(0);
    }),
  );
});

test("more than there was room for wait without being mixed up", () => {
  const waiting = new InOrder<number>();
  for (let at = 1; at <= 10_000; at++) waiting.add(at, at);
  expect(waiting.size).toBe(10_000);
  waiting.passed(9_000, () => false);
  for (let at = 9_000; at <= 10_000; at++) expect(waiting.take(at)).toBe(at);
  expect(waiting.size).toBe(0);
});

test("a number that was never given out, or is long gone, is nobody's", () => {
  const waiting = new InOrder<string>();
  waiting.add(300, "it");
  for (const other of [0, 44, 299, 301, 556, 2 ** 53, -1]) expect(waiting.take(other)).toBeUndefined();
  expect(waiting.take(300)).toBe("it");
});
