import { expect, test } from "vitest";
import { BoundedQueue } from "../../../../src/core/base/bounded-queue.ts";

test("items come out in the order in which they went in", () => {
  const queue = new BoundedQueue<number>(100);
  for (let i = 0; i < 50; i++) queue.push(i);
  for (let i = 0; i < 30; i++) expect(queue.shift()).toBe(i);
  for (let i = 50; i < 70; i++) queue.push(i);
  for (let i = 30; i < 70; i++) expect(queue.shift()).toBe(i);
  expect(queue.shift()).toBeUndefined();
});

test("what does not fit is refused and not taken", () => {
  const queue = new BoundedQueue<string>(2);
  expect([queue.push("a"), queue.push("b"), queue.push("c")]).toEqual([true, true, false]);
  expect(queue.size).toBe(2);
  expect(queue.shift()).toBe("a");
  expect(queue.push("d")).toBe(true);
  expect([queue.shift(), queue.shift(), queue.shift()]).toEqual(["b", "d", undefined]);
});

test("undefined is an item like any other", () => {
  const queue = new BoundedQueue<undefined>(2);
  queue.push(undefined);
  expect(queue.size).toBe(1);
  queue.shift();
  expect(queue.size).toBe(0);
});
