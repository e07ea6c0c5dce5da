import { type Cell, formatGrid, runGrid, shortfall } from "./grid.ts";
import { POSITIONS } from "./positions.ts";

/**
 * `npm run grid [-- ROW[,ROW...] [COLUMN[,COLUMN...]]]`: the grid of positions.ts, each against each, or the rows and columns that are named; a line for each cell
 * as it comes, then the grid, then what falls short of its limit. Exit status 1 when something does.
 */
const [rows, columns] = [process.argv[2], process.argv[3]].map((names) =>
  POSITIONS.filter(({ name }) => !names || names === "all" || names.split(",").includes(name)),
);
const pairs = rows!.flatMap((row) => columns!.map((column) => [row, column] as const));
const line = (cell: Cell): string => shortfall(cell) ?? `${cell.row} x ${cell.column}: as it should be`;
const startedAt = performance.now();
const cells = await runGrid("grid", pairs, (cell) => console.log(line(cell)));
const short = cells.flatMap((cell) => shortfall(cell) ?? []);
console.log(`\n${formatGrid(cells)}\n`);
console.log(
  short.length === 0
    ? "every cell is within its limit"
    : `${short.length} of ${cells.length} fall short:\n${short.join("\n")}`,
);
console.log(`${cells.length} pairs in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
process.exitCode = short.length === 0 ? 0 : 1;
