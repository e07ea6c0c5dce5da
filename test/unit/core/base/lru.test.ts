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
