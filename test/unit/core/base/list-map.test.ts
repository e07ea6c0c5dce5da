import { expect, test } from "vitest";
import { ListMap } from "../../../../src/core/base/list-map.ts";

function mapOf(...entries: readonly (readonly [string, number])[]): ListMap<string, number> {
  const map = new ListMap<string, number>();
  for (const [key, value] of entries) map.add(key, value);
  return map;
}

/** Of these keys those that have more than one value. */
function sharedOf(map: ListMap<string, number>): readonly string[] {
  return ["a", "b"].filter((key) => map.of(key).length > 1);
}

test("values of a key are listed newest first, and a key without any has none", () => {
  const map = mapOf(["a", 1], ["b", 2], ["a", 3], ["a", 4]);
  expect(map.of("a")).toEqual([4, 3, 1]);
  expect(map.of("b")).toEqual([2]);
  expect(map.of("c")).toEqual([]);
  expect([map.of("a")[0], map.of("b")[0], map.of("c")[0]]).toEqual([4, 2, undefined]);
  expect(map.size).toBe(2);
});

test("only keys of more than one value are shared", () => {
  const map = mapOf(["a", 1], ["b", 2], ["a", 3]);
  expect(sharedOf(map)).toEqual(["a"]);
  map.remove("a", 1);
  expect(sharedOf(map)).toEqual([]);
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
  expect(map.of("a")[0]).toBe(left[0]);
});

test("a key goes with its last value", () => {
  const map = mapOf(["a", 1], ["a", 2]);
  map.remove("a", 2);
  map.remove("a", 1);
  map.remove("b", 1);
  expect([map.size, map.of("a"), map.of("a")[0]]).toEqual([0, [], undefined]);
});

test("a value that was added twice is there until it is removed twice", () => {
  const map = mapOf(["a", 1], ["a", 1]);
  map.remove("a", 1);
  expect(map.of("a")).toEqual([1]);
  map.remove("a", 1);
  expect(map.size).toBe(0);
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
