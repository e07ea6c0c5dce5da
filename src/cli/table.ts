import { stripVTControlCharacters } from "node:util";

/** Lines of a table: columns as wide as their widest cell, two spaces between, nothing after the last. Colours have no width. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const width = (cell: string): number => [...stripVTControlCharacters(cell)].length;
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => width(row[i] ?? ""))));
  return rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell + " ".repeat((widths[i] ?? 0) - width(cell) + 2)))
      .join(""),
  );
}
