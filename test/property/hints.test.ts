import { expect, test } from "vitest";
import { tryHints } from "./hints.ts";

/** Three seconds; the whole ten thousand: npm run fuzz:hints. */
const CONFIGURATIONS = 1_000;

test("hints that are obeyed until none is left help, each with what it is about, and never make a configuration worse", () => {
  const trials = Array.from({ length: CONFIGURATIONS }, (_, seed) => ({ seed, ...tryHints(seed) }));
  expect(trials.filter(({ complaints }) => complaints.length > 0)).toEqual([]);
  const broken = trials.filter(({ errors: [before] }) => before > 0);
  const mended = broken.filter(({ errors: [, after] }) => after === 0);
  // What has no hint that says exactly what to write stays wrong: a name that nobody could guess, a value of another key.
  expect(broken.length).toBeGreaterThan(CONFIGURATIONS / 2);
  expect(mended.length).toBeGreaterThan(broken.length / 4);
});
