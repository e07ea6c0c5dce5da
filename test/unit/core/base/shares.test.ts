import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Shares } from "../../../../src/core/base/shares.ts";

describe("of things that share a room", () => {
  test("the oldest of whoever has most is the one to go", () => {
    const shares = new Shares<string, number>();
    shares.add("few", 1);
    for (const thing of [2, 3, 4]) shares.add("many", thing);
    expect(shares.largest()).toBe("many");
    expect(shares.oldestOfLargest()).toBe(2);
  });

  test("it is the oldest of all when everybody has one", () => {
    const shares = new Shares<string, number>();
    for (const thing of [1, 2, 3]) shares.add(`owner ${thing}`, thing);
    expect(shares.oldestOfLargest()).toBe(1);
  });

  test("those of a spared owner go after those of others with as many, and before those of others with fewer", () => {
    const shares = new Shares<string, number>();
    shares.add("spared", 1, { spared: true });
    shares.add("other", 2);
    expect(shares.oldestOfLargest()).toBe(2);
    shares.add("spared", 3, { spared: true });
    expect(shares.oldestOfLargest()).toBe(1);
  });

  test("nobody has most when nothing is there", () => {
    const shares = new Shares<string, number>();
    expect(shares.largest()).toBeUndefined();
    shares.add("one", 1);
    shares.remove("one", 1);
    shares.remove("one", 1);
    expect([shares.largest(), shares.oldestOfLargest(), shares.size]).toEqual([undefined, undefined, 0]);
  });

  test("whoever it names has as many as anybody, whatever came and went", () => {
    const step = fc.record({ owner: fc.nat(5), add: fc.boolean(), spared: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const shares = new Shares<number, number>();
        const model = new Map<number, number[]>();
        for (const [at, { owner, add, spared }] of steps.entries()) {
          const things = model.get(owner) ?? [];
          model.set(owner, things);
          if (add) {
            things.push(at);
            shares.add(owner, at, { spared });
          } else {
            const gone = things.shift();
            if (gone !== undefined) shares.remove(owner, gone);
          }
          const most = Math.max(...[...model.values()].map(({ length }) => length));
          const largest = shares.largest();
          expect(largest === undefined ? 0 : model.get(largest)!.length).toBe(most);
          expect(shares.oldestOfLargest()).toBe(largest === undefined ? undefined : model.get(largest)![0]);
          expect(shares.size).toBe([...model.values()].reduce((sum, { length }) => sum + length, 0));
        }
      }),
    );
  });

  test("who holds most gives what it used longest ago, of equals the one that has held so much for longest", () => {
    const step = fc.record({
      what: fc.constantFrom("add", "touch", "remove"),
      key: fc.integer({ min: 0, max: 11 }),
      owner: fc.constantFrom("a", "b", "c"),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const shares = new Shares<string, number>();
        const held = new Map<number, string>();
        // Keys in the order of their last use; owners in the order in which they came to their size.
        const used: { key: number; owner: string }[] = [];
        const sized: string[] = [];
        const resized = (owner: string) => sized.push(...sized.splice(0).filter((each) => each !== owner), owner);
        for (const { what, key, owner } of steps) {
          const holder = held.get(key);
          const at = used.findIndex((each) => each.key === key);
          if (what === "add" && holder === undefined) {
            shares.add(owner, key);
            held.set(key, owner);
            used.push({ key, owner });
            resized(owner);
          } else if (what === "touch" && holder !== undefined) {
            shares.touch(holder, key);
            used.push(...used.splice(at, 1));
          } else if (what === "remove" && holder !== undefined) {
            shares.remove(holder, key);
            held.delete(key);
            used.splice(at, 1);
            resized(holder);
          }
          const size = (owner: string) => used.filter((each) => each.owner === owner).length;
          const most = Math.max(0, ...sized.map(size));
          const largest = sized.find((each) => most > 0 && size(each) === most);
          expect(shares.oldestOfLargest()).toBe(used.find((each) => each.owner === largest)?.key);
        }
      }),
    );
  });
});
