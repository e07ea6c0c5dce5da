import fc from "fast-check";
import { expect, test } from "vitest";
import { LruMap } from "../../../../src/core/base/lru.ts";

test("one entry too many drops the one that was used least recently, and says which", () => {
  const map = new LruMap<string, number>(2);
  expect(map.set("a", 1)).toBeUndefined();
  expect(map.set("b", 2)).toBeUndefined();
  map.get("a");
  expect(map.set("c", 3)).toBe("b");
  expect([...map.entries()]).toEqual([
    ["a", 1],
    ["c", 3],
  ]);
});

test("setting an entry again makes it recent and drops nothing", () => {
  const map = new LruMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  expect(map.set("a", 10)).toBeUndefined();
  expect(map.set("c", 3)).toBe("b");
  expect(map.get("a")).toBe(10);
  expect(map.size).toBe(2);
});

test("looking whether an entry is there does not make it recent", () => {
  const map = new LruMap<string, undefined>(1);
  map.set("a", undefined);
  expect(map.has("a")).toBe(true);
  expect(map.get("a")).toBeUndefined();
  expect(map.get("b")).toBeUndefined();
  expect([map.delete("a"), map.delete("a"), map.size]).toEqual([true, false, 0]);
});

test("it is the same map with a few entries as with many", () => {
  const step = fc.tuple(fc.constantFrom("set", "get", "peek", "delete", "clear"), fc.nat({ max: 14 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const map = new LruMap<number, number>(12);
      // Oldest first.
      let model: (readonly [number, number])[] = [];
      for (const [i, [what, key]] of steps.entries()) {
        const known = model.find(([other]) => other === key);
        const others = model.filter(([other]) => other !== key);
        if (what === "set") {
          const all = [...others, [key, i] as const];
          const dropped = all.length > 12 ? all[0]?.[0] : undefined;
          expect(map.set(key, i)).toBe(dropped);
          model = all.slice(-12);
        } else if (what === "get") {
          expect(map.get(key)).toBe(known?.[1]);
          if (known) model = [...others, known];
        } else if (what === "peek") expect(map.peek(key)).toBe(known?.[1]);
        else if (what === "delete") {
          expect(map.delete(key)).toBe(known !== undefined);
          model = others;
        } else if (key < 2) {
          map.clear();
          model = [];
        }
        expect([...map.entries()]).toEqual(model);
        expect(map.size).toBe(model.length);
        expect(map.has(key)).toBe(model.some(([other]) => other === key));
      }
    }),
  );
});
