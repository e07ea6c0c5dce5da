import fc from "fast-check";
import { expect, test } from "vitest";
import { type Share, Shares } from "../../../../src/core/dataplane/reference/shares.ts";

const step = fc.record({
  what: fc.constantFrom("add", "touch", "remove"),
  key: fc.integer({ min: 0, max: 11 }),
  owner: fc.constantFrom("a", "b", "c"),
});

test("who holds most gives what it used longest ago, of equals the one that has held so much for longest", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const shares = new Shares<number>();
      const held = new Map<number, Share<number>>();
      // Keys in the order of their last use; owners in the order in which they came to their size.
      const used: { key: number; owner: string }[] = [];
      const sized: string[] = [];
      const resized = (owner: string) => sized.push(...sized.splice(0).filter((each) => each !== owner), owner);
      for (const { what, key, owner } of steps) {
        const share = held.get(key);
        const at = used.findIndex((each) => each.key === key);
        if (what === "add" && !share) {
          held.set(key, shares.add(key, owner));
          used.push({ key, owner });
          resized(owner);
        } else if (what === "touch" && share) {
          shares.touch(share, key);
          used.push(...used.splice(at, 1));
        } else if (what === "remove" && share) {
          shares.remove(share, key);
          held.delete(key);
          used.splice(at, 1);
          resized(share.owner);
        }
        const size = (owner: string) => used.filter((each) => each.owner === owner).length;
        const most = Math.max(0, ...sized.map(size));
        const largest = sized.find((each) => most > 0 && size(each) === most);
        expect(shares.toEvict()).toBe(used.find((each) => each.owner === largest)?.key);
      }
    }),
  );
});
