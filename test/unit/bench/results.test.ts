import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { judge } from "../../../bench/report.ts";
import { keepResults, type Round, ratio, readResults, type ScenarioResult, spread } from "../../../bench/results.ts";
import type { Figure } from "../../../bench/scenarios/scenario.ts";

const RATE: Figure = { name: "rate", unit: "Gbit/s", better: "more", digits: 1 };
const WAIT: Figure = { name: "wait", unit: "us", better: "less", digits: 0 };

/** The machine is half as fast in the second round, and a third as fast in the last. */
const ROUNDS: readonly Round[] = [
  { lacis: { rate: 60, wait: 10 }, slow: { rate: 6, wait: 20 }, quick: { rate: 30, wait: 9 } },
  { lacis: { rate: 30, wait: 20 }, slow: { rate: 3, wait: 50 }, quick: { rate: 15, wait: 18 } },
  { lacis: { rate: 20, wait: 30 }, slow: { rate: 5, wait: 60 }, quick: { rate: 10, wait: 30 } },
];
const ENGINES = Object.fromEntries(["lacis", "slow", "quick"].map((name) => [name, { version: "1", cipher: "AES" }]));

describe("a comparison", () => {
  test("is the median of what each round says, not what the medians say", () => {
    expect(ratio(ROUNDS, "lacis", "slow", "rate")).toBe(10);
    expect(30 / spread(ROUNDS, "slow", "rate")!.median).toBe(6);
  });

  test("knows the middle and both ends of a figure", () => {
    expect(spread(ROUNDS, "lacis", "rate")).toEqual({ median: 30, least: 20, most: 60 });
  });

  test("says nothing of an engine that was not there", () => {
    expect(spread(ROUNDS, "absent", "rate")).toBeUndefined();
    expect(ratio(ROUNDS, "lacis", "absent", "rate")).toBeUndefined();
  });
});

describe("what is wanted", () => {
  const inAll = { rounds: ROUNDS, engines: ENGINES };

  test("of a figure of which more is better is a least", () => {
    expect(judge(RATE, { than: "slow", times: 10 }, inAll)).toMatchObject({ holds: true });
    expect(judge(RATE, { than: "slow", times: 10.1 }, inAll)).toMatchObject({ holds: false });
  });

  test("of a figure of which less is better is a most", () => {
    expect(judge(WAIT, { than: "slow", times: 0.5 }, inAll)).toMatchObject({ holds: true });
    expect(judge(WAIT, { than: "slow", times: 0.49 }, inAll)).toMatchObject({ holds: false });
  });

  test("than of the best goes by the best of the others", () => {
    expect(judge(WAIT, { than: "best", times: 1 }, inAll)).toEqual({
      holds: false,
      sentence: "1.11 x quick, wanted at most 1",
    });
  });

  test("cannot be said of an engine that was not there", () => {
    expect(judge(RATE, { than: "absent", times: 1 }, inAll)).toBeUndefined();
  });
});

test("results of one scenario are kept beside those of others", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "bench-")), "deeper", "bench.json");
  const result = { title: "a", rounds: ROUNDS } as unknown as ScenarioResult;
  await keepResults(path, { scenarios: { first: result } });
  await keepResults(path, { scenarios: { second: result } });
  expect(Object.keys(readResults(path).scenarios)).toEqual(["first", "second"]);
});
