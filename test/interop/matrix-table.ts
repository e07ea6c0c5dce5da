/**
 * The result as a table: one row for each filling of the places, one column for each release, certificate version, cipher
 * and certificate tool. Columns are numbered, the legend stands below.
 */
export function formatMatrix(
  columns: readonly string[],
  results: ReadonlyMap<string, ReadonlyMap<string, string>>,
  places: readonly string[] = ["initiator", "responder", "lighthouse"],
): string {
  const shown = columns.filter((column) => [...results.values()].some((cells) => cells.has(column)));
  const heads = [...places, ...shown.map((_, index) => `[${index + 1}]`)];
  const rows = [...results]
    .sort(([a], [b]) => (a < b ? 1 : -1))
    .map(([row, cells]) => [...row.split(" "), ...shown.map((column) => cells.get(column) ?? "-")]);
  const widths = heads.map((head, index) => Math.max(head.length, ...rows.map((row) => row[index]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => cell.padEnd(widths[index]!))
      .join("  ")
      .trimEnd();
  const legend = shown.map((column, index) => `[${index + 1}] ${column}`);
  return [line(heads), ...rows.map(line), "", ...legend].join("\n");
}
