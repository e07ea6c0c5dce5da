import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT } from "../test/netns/lab/implementation.ts";
import { option } from "./pairing.ts";
import { OURS } from "./report.ts";
import { type Results, readResults, type ScenarioResult, spread } from "./results.ts";
import type { Figure } from "./scenarios/scenario.ts";

/** What is shown, in this order: the figures that say most, of each scenario that was measured. */
const SHOWN: readonly (readonly [scenario: string, figure: string])[] = [
  ["one-stream", "rate"],
  ["one-stream", "cpu"],
  ["eight-streams", "rate"],
  ["both-ways", "rate"],
  ["chacha", "rate"],
  ["small-packets", "each"],
  ["small-packets", "offload"],
  ["round-trips", "p50"],
  ["loaded-round-trips", "p99"],
  ["connections", "one"],
];

const WIDTH = 720;
const NAME_WIDTH = 120;
const BAR_WIDTH = 420;
const LINE = 18;
const TITLE = 26;
const GAP = 10;
const COLORS = { ours: "#0b6e4f", other: "#9aa5b1", text: "#1f2933", quiet: "#52606d" } as const;

/** Bars of every engine for each figure, each as long as its share of the longest, with its least and most as a line. */
export function plot(results: Results): string {
  const parts: string[] = [];
  let y = GAP;
  for (const [scenario, name] of SHOWN) {
    const result = results.scenarios[scenario];
    const figure = result?.figures.find((one) => one.name === name);
    if (result === undefined || figure === undefined) continue;
    const group = plotFigure(result, figure, y);
    parts.push(group.svg);
    y = group.bottom + GAP;
  }
  for (const line of footer(results)) {
    parts.push(text(GAP, y + LINE - 6, line, COLORS.quiet));
    y += LINE;
  }
  const font = 'font-family="system-ui, sans-serif" font-size="12"';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + GAP}" ${font}>
<title>Lacis beside other tunnels, as measured</title>
<rect width="100%" height="100%" fill="#ffffff"/>
${parts.join("\n")}
</svg>
`;
}

function plotFigure(result: ScenarioResult, figure: Figure, top: number): { svg: string; bottom: number } {
  const bars = Object.keys(result.engines)
    .map((engine) => ({ engine, values: spread(result.rounds, engine, figure.name) }))
    .filter(({ engine, values }) => values !== undefined && !engine.startsWith(`${OURS}-`));
  const longest = Math.max(...bars.map(({ values }) => values!.most), Number.MIN_VALUE);
  const better = figure.better === "more" ? "more is better" : "less is better";
  const svg = [
    text(GAP, top + TITLE - 10, `${result.title}: ${figure.unit} (${better})`, COLORS.text, 'font-weight="600"'),
  ];
  let y = top + TITLE;
  for (const { engine, values } of bars) {
    const { median, least, most } = values!;
    const x = (value: number) => NAME_WIDTH + (value / longest) * BAR_WIDTH;
    const color = engine === OURS ? COLORS.ours : COLORS.other;
    const middle = y + LINE / 2 - 1;
    svg.push(
      text(NAME_WIDTH - 8, y + LINE - 6, engine, COLORS.text, 'text-anchor="end"'),
      `<rect x="${NAME_WIDTH}" y="${y + 1}" width="${(x(median) - NAME_WIDTH).toFixed(1)}" height="${LINE - 4}" fill="${color}"/>`,
      `<line x1="${x(least).toFixed(1)}" x2="${x(most).toFixed(1)}" y1="${middle}" y2="${middle}" stroke="${COLORS.text}"/>`,
      text(x(most) + 6, y + LINE - 6, median.toFixed(figure.digits), COLORS.text),
    );
    y += LINE;
  }
  return { svg: svg.join("\n"), bottom: y };
}

/** Where it was measured, and whether the machine was busy with other things. */
function footer(results: Results): string[] {
  const all = Object.values(results.scenarios);
  const machines = new Set(
    all.map(({ machine }) => `${machine.processor}, ${machine.cores} cores, Linux ${machine.kernel}`),
  );
  const rounds = all.map((result) => result.rounds.length);
  const loaded = all.reduce((sum, result) => sum + result.loadedRounds, 0);
  const [fewest, most] = [Math.min(...rounds), Math.max(...rounds)];
  const total = rounds.reduce((sum, count) => sum + count, 0);
  const load = loaded === 0 ? "" : `; in ${loaded} of ${total} other programs were at work`;
  return [
    ...machines,
    `Medians, least and most of ${fewest === most ? most : `${fewest} to ${most}`} interleaved rounds${load}`,
  ];
}

function text(x: number, y: number, words: string, fill: string, more = ""): string {
  const escaped = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="${fill}" ${more}>${escaped}</text>`;
}

/** `npm run bench:plot [-- --json FILE] [--svg FILE]`: draws what a run has kept. */
if (process.argv[1]?.endsWith("plot.js")) {
  const path = option("--svg") ?? join(PROJECT, "docs/bench.svg");
  writeFileSync(path, plot(readResults(option("--json") ?? join(PROJECT, "dist/reports/bench.json"))));
  console.log(path);
}
