import { describe, expect, test } from "vitest";
import { WaitingRoom } from "../../../../src/runtime/strangers/waiting-room.ts";

const anybody = (): boolean => true;

describe("the waiting room", () => {
  test("lets the newest of a standing out first", () => {
    const room = roomWith(["first", 1], ["first", 2], ["first", 3]);
    expect(drained(room)).toEqual([3, 2, 1]);
    expect(room.isEmpty).toBe(true);
  });

  test("lets the standings take turns, however many wait of one", () => {
    const many = Array.from({ length: 200 }, (_, i) => ["first", i] as const);
    const room = roomWith(...many, ["repeated", 1_000], ["repeated", 1_001], ["known", 2_000]);
    expect(drained(room).slice(0, 6)).toEqual([2_000, 1_001, 199, 1_000, 198, 197]);
  });

  test("goes on with whose turn it was when more come", () => {
    const room = roomWith(["known", 1], ["first", 2]);
    expect(room.next(anybody)?.value).toBe(1);
    room.enter("known", 3, 1);
    expect(room.next(anybody)?.value).toBe(2);
    expect(room.next(anybody)?.value).toBe(3);
  });

  test("passes over those who may not be served now", () => {
    const room = roomWith(["known", 1], ["first", 2]);
    expect(room.next((standing) => standing === "first")).toEqual({ standing: "first", value: 2 });
    expect(room.next((standing) => standing === "first")).toBeUndefined();
    expect(room.standings).toEqual(["known"]);
  });

  test("holds 256 of a standing, and the one that has waited longest leaves for the next", () => {
    const room = new WaitingRoom<number>();
    const left = Array.from({ length: 300 }, (_, i) => room.enter("first", i, 100)).flat();
    expect(left).toEqual(Array.from({ length: 44 }, (_, i) => i));
    expect(room.enter("known", 9, 100)).toEqual([]);
    expect(drained(room)).toHaveLength(257);
  });

  test("holds 256 KiB of a standing", () => {
    const room = new WaitingRoom<number>();
    const left = Array.from({ length: 40 }, (_, i) => room.enter("repeated", i, 9_001)).flat();
    expect(left).toEqual(Array.from({ length: 11 }, (_, i) => i));
    expect(room.enter("repeated", 77, 300_000)).toEqual([77]);
    expect(drained(room)).toHaveLength(29);
    expect(Array.from({ length: 29 }, (_, i) => room.enter("repeated", i, 9_001)).flat()).toEqual([]);
  });

  test("is empty when it was cleared, and has room again", () => {
    const room = roomWith(["first", 1], ["known", 2]);
    room.clear();
    expect(room.isEmpty).toBe(true);
    expect(Array.from({ length: 256 }, (_, i) => room.enter("first", i, 1_024)).flat()).toEqual([]);
  });
});

function roomWith(...items: readonly (readonly ["known" | "repeated" | "first", number])[]): WaitingRoom<number> {
  const room = new WaitingRoom<number>();
  for (const [standing, value] of items) room.enter(standing, value, 1);
  return room;
}

function drained(room: WaitingRoom<number>): readonly number[] {
  const values: number[] = [];
  for (let next = room.next(anybody); next; next = room.next(anybody)) values.push(next.value);
  return values;
}
