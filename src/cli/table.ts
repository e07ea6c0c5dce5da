import { stripVTControlCharacters } from "node:util";

/** Lines of a table: columns as wide as their widest cell, two spaces between, nothing after the last. Colours have no width. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = rows.map((row) => row.map((cell) => [...stripVTControlCharacters(cell)].length));
  const columns: number[] = [];
  for (const row of widths) {
    for (const [i, width] of row.entries()) columns[i] = Math.max(columns[i] ?? 0, width);
  }
  const padded = (cell: string, row: number, i: number): string =>
    cell + " ".repeat((columns[i] ?? 0) - (widths[row]?.[i] ?? 0) + 2);
  return rows.map((row, r) => row.map((cell, i) => (i === row.length - 1 ? cell : padded(cell, r, i))).join(""));
}
