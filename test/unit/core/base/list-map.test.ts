import { expect, test } from "vitest";
import { ListMap } from "../../../../src/core/base/list-map.ts";

function mapOf(...entries: readonly (readonly [string, number])[]): ListMap<string, number> {
  const map = new ListMap<string, number>();
  for (const [key, value] of entries) map.add(key, value);
  return map;
}

test("values of a key are listed newest first, and a key without any has none", () => {
  const map = mapOf(["a", 1], ["b", 2], ["a", 3], ["a", 4]);
  expect(map.of("a")).toEqual([4, 3, 1]);
  expect(map.of("b")).toEqual([2]);
  expect(map.of("c")).toEqual([]);
});

test.each<[number, readonly number[]]>([
  [3, [2, 1]],
  [2, [3, 1]],
  [1, [3, 2]],
  [9, [3, 2, 1]],
])("without %i the others are left in their order", (value, left) => {
  const map = mapOf(["a", 1], ["a", 2], ["a", 3]);
  map.remove("a", value);
  expect(map.of("a")).toEqual(left);
});

test("a key whose last value was removed has none, and begins anew", () => {
  const map = mapOf(["a", 1], ["a", 2]);
  map.remove("a", 2);
  map.remove("a", 1);
  map.remove("b", 1);
  expect([map.of("a"), map.of("b")]).toEqual([[], []]);
  map.add("a", 3);
  expect(map.of("a")).toEqual([3]);
});

test("a value that was added twice is there until it is removed twice", () => {
  const map = mapOf(["a", 1], ["a", 1]);
  map.remove("a", 1);
  expect(map.of("a")).toEqual([1]);
  map.remove("a", 1);
  expect(map.of("a")).toEqual([]);
});

test("whoever goes through a list sees it as it was", () => {
  const map = mapOf(["a", 1], ["a", 2], ["a", 3]);
  const seen: number[] = [];
  for (const value of map.of("a")) {
    map.remove("a", value);
    seen.push(value);
  }
  expect(seen).toEqual([3, 2, 1]);
});
