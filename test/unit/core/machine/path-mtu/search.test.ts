import { expect, test } from "vitest";
import { instant } from "../../../../../src/core/base/time.ts";
import { Search } from "../../../../../src/core/machine/path-mtu/search.ts";

const LENGTHS = [1300, 1220, 1000];

/** A search, and somebody who answers what is at most so long, after a while. */
function searched(
  carries: number,
  options: {
    readonly check?: boolean;
    readonly roundTripMs?: number;
    readonly loses?: (probe: number) => boolean;
  } = {},
) {
  const { check = true, roundTripMs = 20, loses = () => false } = options;
  let token = 0;
  const search = new Search(LENGTHS, { check, usualMs: roundTripMs, tokens: () => `${++token}` }, instant(0));
  const replies: { at: number; token: string }[] = [];
  const sent: number[] = [];
  for (let now = 0; now < 10_000; now++) {
    for (const probe of search.takeProbes()) {
      sent.push(probe.bytes);
      if (probe.bytes <= carries && !loses(sent.length)) replies.push({ at: now + roundTripMs, token: probe.token });
    }
    for (const reply of replies.filter(({ at }) => at === now)) {
      const found = search.replied(reply.token, instant(now));
      if (found !== "more" && found !== undefined) return { found, sent, now };
    }
    const found = search.tick(instant(now));
    if (found !== "more") return { found, sent, now };
  }
  throw new Error("it does not end");
}

test("a length that passes is asked for once", () => {
  expect(searched(1300)).toEqual({ found: { passes: 1300 }, sent: [1300], now: 20 });
});

test("one that does not is asked for twice more with all that are shorter, and the longest of those that pass is taken", () => {
  expect(searched(1250)).toMatchObject({ found: { passes: 1220 }, sent: [1300, 1300, 1300, 1220, 1000] });
  expect(searched(1100)).toMatchObject({ found: { passes: 1000 } });
});

test("that takes little more than two round trips", () => {
  expect(searched(1250, { roundTripMs: 1 }).now).toBeLessThan(150);
  expect(searched(1250, { roundTripMs: 100 }).now).toBeLessThan(500);
});

test("a probe that is lost, or two, is no narrow way", () => {
  expect(searched(1300, { loses: (n) => n === 1 })).toMatchObject({ found: { passes: 1300 } });
  expect(searched(1300, { loses: (n) => n <= 2 })).toMatchObject({ found: { passes: 1300 } });
});

test("answers that take much longer than usual are no narrow way, because the short ones take as long", () => {
  const search = new Search(LENGTHS, { check: true, usualMs: 5, tokens: tokens() }, instant(0));
  const [check] = search.takeProbes();
  search.tick(search.dueAt);
  const sweep = search.takeProbes();
  expect(sweep).toHaveLength(4);
  expect(search.tick(instant(250))).toBe("more");
  expect(search.replied(check!.token, instant(260))).toEqual({ passes: 1300 });
});

test("where nothing is answered nothing is said about lengths", () => {
  expect(searched(0)).toMatchObject({ found: "silence", sent: [1300, 1300, 1300, 1220, 1000] });
});

test("whether more passes is asked at once", () => {
  expect(searched(1300, { check: false })).toMatchObject({ found: { passes: 1300 }, sent: [1300, 1300, 1220, 1000] });
  expect(searched(1250, { check: false })).toMatchObject({ found: { passes: 1220 } });
});

test("what this machine's own system refuses is not waited for: all that are shorter are asked about at once, and once", () => {
  const search = new Search(LENGTHS, { check: true, usualMs: 5, tokens: tokens() }, instant(0));
  search.takeProbes();
  search.refused(instant(1));
  expect(search.takeProbes().map(({ bytes }) => bytes)).toEqual([1300, 1300, 1220, 1000]);
  search.refused(instant(1));
  expect(search.takeProbes()).toEqual([]);
  expect(search.tick(instant(2))).toBe("more");
});

test("a reply that nobody asked for, or that comes twice, means nothing", () => {
  const search = new Search(LENGTHS, { check: false, usualMs: 5, tokens: tokens() }, instant(0));
  const [, , short] = search.takeProbes();
  expect(search.replied("forged", instant(1))).toBeUndefined();
  expect(search.replied(short!.token, instant(1))).toBe("more");
  expect(search.replied(short!.token, instant(1))).toBeUndefined();
});

function tokens(): () => string {
  let token = 0;
  return () => `${++token}`;
}
