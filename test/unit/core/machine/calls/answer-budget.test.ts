import { expect, test } from "vitest";
import { instant } from "../../../../../src/core/base/time.ts";
import { AnswerBudget } from "../../../../../src/core/machine/calls/answer-budget.ts";
import type { Endpoint } from "../../../../../src/core/netip/endpoint.ts";

const called = "192.0.2.1:1" as Endpoint;

test("a hundred answers from where we called are read at once, and a hundred a second", () => {
  const budget = new AnswerBudget();
  expect(read(budget, 1_000, () => [called, true], 0)).toBe(100);
  expect(read(budget, 1_000, () => [called, true], 1_000)).toBe(100);
  expect(read(budget, 1_000, () => [called, true], 1_100)).toBe(10);
});

test("answers from all other places together are twenty at once, and ten a second", () => {
  const budget = new AnswerBudget();
  expect(read(budget, 1_000, (i) => [`198.51.100.1:${i}` as Endpoint, false], 0)).toBe(20);
  expect(read(budget, 1_000, (i) => [`198.51.100.2:${i}` as Endpoint, false], 1_000)).toBe(10);
});

test("answers from all places are three hundred at once, and 250 a second", () => {
  const budget = new AnswerBudget();
  const places = (i: number): [Endpoint, boolean] => [`192.0.2.${i % 200}:1` as Endpoint, true];
  expect(read(budget, 10_000, places, 0)).toBe(300);
  expect(read(budget, 10_000, places, 1_000)).toBe(250);
});

test("nobody's answers keep those from another place from being read", () => {
  const budget = new AnswerBudget();
  read(budget, 1_000, (i) => [`198.51.100.1:${i}` as Endpoint, false], 0);
  read(budget, 1_000, () => ["192.0.2.2:1" as Endpoint, true], 0);
  expect(budget.take(called, true, instant(0))).toBe(true);
});

function read(budget: AnswerBudget, count: number, from: (i: number) => [Endpoint, boolean], now: number): number {
  return Array.from({ length: count }, (_, i) => budget.take(...from(i), instant(now))).filter(Boolean).length;
}
