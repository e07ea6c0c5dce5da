import { describe, expect, test } from "vitest";
import { Lulls } from "../../../../../src/core/machine/liveness/lulls.ts";
import type { Session } from "../../../../../src/core/peer/session.ts";

const session = { localIndex: 7 } as unknown as Session;

/** What is said after each sample, in which so many packets came. */
function lullsAfter(...packets: readonly number[]): readonly boolean[] {
  const lulls = new Lulls();
  return packets.map((count) => {
    if (count > 0) lulls.heard(session, count);
    return lulls.take().includes(session);
  });
}

describe("a lull", () => {
  test("is told in the sample in which a stream ends, and once", () => {
    expect(lullsAfter(20, 20, 14, 0, 0, 0)).toEqual([false, false, true, true, false, false]);
    expect(lullsAfter(20, 20, 16, 0, 0, 0)).toEqual([false, false, false, true, false, false]);
  });

  test("is none where little came, or where a stream only varies", () => {
    expect(lullsAfter(9, 0, 5, 0)).toEqual([false, false, false, false]);
    expect(lullsAfter(20, 16, 18, 15, 21)).toEqual([false, false, false, false, false]);
  });
});
