import { expect, test } from "vitest";
import { plot } from "../../../bench/plot.ts";
import type { ScenarioResult } from "../../../bench/results.ts";

const machine = { processor: "Any <1>", cores: 2, kernel: "6" };
const facts = { version: "1", cipher: "AES" };

function measured(rounds: ScenarioResult["rounds"], loadedRounds = 0): ScenarioResult {
  const figures = [{ name: "rate", unit: "Gbit/s", better: "more", digits: 1 }];
  const engines = { lacis: facts, "lacis-null": facts, peer: facts };
  return { title: "One", figures, machine, engines, rounds, loadedRounds } as unknown as ScenarioResult;
}

test("every engine has a bar as long as its share of the longest, but not the one that seals nothing", () => {
  const rounds = [{ lacis: { rate: 8 }, "lacis-null": { rate: 9 }, peer: { rate: 2 } }];
  const svg = plot({ scenarios: { "one-stream": measured(rounds) } });
  const widths = [...svg.matchAll(/<rect x="120" y="\d+" width="([\d.]+)"/g)].map(([, width]) => Number(width));
  expect(widths).toEqual([420, 105]);
  expect(svg).toContain(">8.0<");
  expect(svg).not.toContain("lacis-null");
});

test("a picture says where it was measured, and that the machine was busy", () => {
  const svg = plot({ scenarios: { "one-stream": measured([{ lacis: { rate: 8 } }], 1) } });
  expect(svg).toContain("Any &lt;1>");
  expect(svg).toContain("in 1 of 1 other programs were at work");
});

test("what was not measured is not drawn", () => {
  expect(plot({ scenarios: { "round-trips": measured([{ lacis: { rate: 8 } }]) } })).not.toContain("Gbit/s");
});
