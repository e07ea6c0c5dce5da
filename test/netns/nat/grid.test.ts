import { beforeAll, describe, expect, test } from "vitest";
import { isInstalled } from "../lab/command.ts";
import { type Cell, formatGrid, runGrid, shortfall } from "./grid.ts";
import { expectation, POSITIONS } from "./positions.ts";

/** A pair of each kind; `npm run grid` has all of them. */
const PAIRS = [
  ["port", "none"],
  ["none", "sym"],
  ["sym", "full"],
  ["addr", "sym"],
  ["port", "port"],
  ["shift", "port"],
  ["port*", "port"],
  ["none", "port*"],
  ["addr*", "port"],
  ["port", "addr*"],
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

  const cellOf = (row: string, column: string): Cell | undefined =>
    cells.find((each) => each.row === row && each.column === column);

  /** Twice what `npm run grid` asks: here other tests have run before, and the machine may be busy. */
  const patienceMs = (row: string, column: string): number => 2 * expectation(row, column).withinMs;

  test.each(PAIRS.filter(([row, column]) => expectation(row, column).path !== "direct"))(
    "fault 8, fault 9: talk at once where no straight way can be: %s calls %s",
    (row, column) => {
      const cell = cellOf(row, column);
      expect(cell?.firstAnswerMs).toBeLessThan(patienceMs(row, column));
      if (expectation(row, column).path === "relayed") expect(cell?.directMs).toBeUndefined();
    },
  );

  test.each(PAIRS.filter(([row, column]) => expectation(row, column).path === "direct"))(
    "fault 5, fault 6, fault 7, fault 10: are direct wherever a straight way can be, also where a port has to be foretold: %s with %s",
    (row, column) => {
      expect(cellOf(row, column)?.directMs).toBeLessThan(patienceMs(row, column));
    },
  );
});
