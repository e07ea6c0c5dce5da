import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FAULTS } from "../netns/faults/catalogue.ts";
import { numbered, type Shown } from "./numbered.ts";
import { readRepositoryFile } from "./sources.ts";

/** A line that `npm run faults` has written. */
interface Figure {
  readonly number: number;
  readonly title: string;
  readonly pairing: string;
  readonly medianMs: number;
  readonly worstMs: number;
  readonly rounds: number;
}

const FIGURES = "test/netns/faults/seen.jsonl";

test("every fault has a test with its number", () => {
  const shown = new Set(numbered("fault").map(({ number }) => number));
  expect(FAULTS.filter(({ number }) => !shown.has(number)).map(({ number, what }) => `${number}: ${what}`)).toEqual(
    NOT_SHOWN,
  );
});

test("every test with the number of a fault is one of the catalogue, and every figure is of a test that there is", () => {
  const known = new Set(FAULTS.map(({ number }) => number));
  expect(numbered("fault").filter(({ number }) => !known.has(number))).toEqual([]);
  const shown = numbered("fault");
  expect(figures().filter((figure) => !shown.some(({ title }) => isCalled(figure, title)))).toEqual([]);
});

test("docs/FAULTS.md says where each is, and what was seen", async () => {
  const rows = FAULTS.flatMap(({ number, what, limit }) => {
    const shown = numbered("fault").filter((each) => each.number === number);
    if (shown.length === 0) return [`| ${number} | ${what} | ${limit} | **Not shown** | | |`];
    return shown.map((each) => `| ${number} | ${what} | ${limit} | ${each.title} | \`${each.path}\` | ${seen(each)} |`);
  });
  const page = [
    INTRODUCTION,
    "",
    "| | fault | limit | what holds | in | seen |",
    "|---|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
  await expect(page).toMatchFileSnapshot("../../docs/FAULTS.md");
});

/** Whether a figure is of the test with this title, in which "…" stands for what differs from case to case. */
function isCalled(figure: Figure, title: string): boolean {
  const [first = "", ...more] = title.split("…");
  const last = more.at(-1) ?? "";
  if (more.length === 0) return figure.title === title;
  return figure.title.startsWith(first) && figure.title.endsWith(last);
}

/** The last figure of each pairing. */
function seen({ number, title, path }: Shown): string {
  const last = new Map<string, Figure>();
  if (!path.startsWith("test/netns/faults/")) return "";
  for (const figure of figures())
    if (figure.number === number && isCalled(figure, title)) last.set(figure.pairing, figure);
  return [...last.values()]
    .map(
      ({ pairing, medianMs, worstMs, rounds }) =>
        `${pairing}: ${inSeconds(medianMs)} s${rounds > 1 ? `, at worst ${inSeconds(worstMs)} s of ${rounds}` : ""}`,
    )
    .join("; ");
}

function figures(): readonly Figure[] {
  return existsSync(join(import.meta.dirname, "../..", FIGURES))
    ? readRepositoryFile(FIGURES)
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Figure)
    : [];
}

function inSeconds(ms: number): string {
  return (ms / 1_000).toFixed(2);
}

/** Of which no test of ours is there yet. */
const NOT_SHOWN: readonly string[] = [];

const INTRODUCTION = `# Faults

What networks, routers and processes do to a mesh, for how long at most nothing may get through, and the test that does it to real daemons. What was
seen is written by \`npm run faults\` (in \`${FIGURES}\`: for how long nothing got through, median and worst; "0.00 s" also where a test is about
something else than time). Continuous integration does a few of them, once each; \`npm run faults\` does all, five times, with released Nebulas
as well. The last whole series ran on two cores that had other work to do (load 5 to 14), which costs tenths of seconds. The grid of translators is \`npm run grid\`. This page is made from the catalogue (\`test/netns/faults/catalogue.ts\`), the titles of the tests and those
figures (\`npx vitest run test/architecture/faults -u\`).`;
