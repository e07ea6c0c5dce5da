import { beforeAll, describe, expect, test } from "vitest";
import { isInstalled } from "../lab/command.ts";
import { type Cell, formatGrid, runGrid, shortfall } from "./grid.ts";
import { POSITIONS } from "./positions.ts";

/** A pair of each kind; `npm run grid` has all of them. */
const PAIRS = [
  ["port", "none"],
  ["none", "sym"],
  ["sym", "full"],
  ["addr", "sym"],
  ["port", "port"],
  ["shift", "port"],
  ["port*", "port"],
  ["sym", "port"],
  ["sym", "sym"],
  ["symseq", "port"],
  ["carrier", "carrier"],
  ["hairpin", "hairpin"],
] as const;

const hasTools = (await isInstalled("nft")) && (await isInstalled("ping"));
if (!hasTools) test.skip("needs nft and ping", () => {});

describe.runIf(hasTools)("two hosts behind translators", () => {
  let cells: readonly Cell[] = [];

  beforeAll(async () => {
    const position = (name: string) => POSITIONS.find((each) => each.name === name)!;
    cells = await runGrid(
      "grid",
      PAIRS.map(([row, column]) => [position(row), position(column)] as const),
    );
    console.log(formatGrid(cells));
    for (const cell of cells) if (shortfall(cell)) console.log(shortfall(cell));
  });

  test.each(PAIRS)("fault 8, fault 9: talk at once, whatever the translators do: %s calls %s", (row, column) => {
    const cell = cells.find((each) => each.row === row && each.column === column);
    expect(cell?.firstAnswerMs).toBeLessThan(1_000);
  });

  test.each(PAIRS.filter(([row, column]) => isStraightforward(row, column)))(
    "fault 5, fault 6, fault 7, fault 10: are direct where no port has to be foretold: %s with %s",
    (row, column) => {
      const cell = cells.find((each) => each.row === row && each.column === column);
      expect(cell?.directMs).toBeLessThan(3_000);
    },
  );
});

function isStraightforward(row: string, column: string): boolean {
  return ![row, column].some((name) => /sym|\*/.test(name)) && row !== "carrier";
}
