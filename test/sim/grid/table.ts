import type { CellReport } from "./cell.ts";
import { type Kind, kinds } from "./kinds.ts";

/** Why a cell is not as it must be; undefined: it is. What may be direct must become so, and what may not must be reached through a relay. */
export function complaintOf({
  mayBeDirect,
  firstMs,
  directMs,
  leftForNothing,
  violation,
}: CellReport): string | undefined {
  if (violation !== undefined) return violation;
  if (firstMs === undefined) return "nothing arrived, although there are relays";
  if (mayBeDirect && directMs === undefined) return "they can become direct, and have not";
  if (leftForNothing) return "they left the straight way, although nothing is lost on it";
  return !mayBeDirect && directMs !== undefined ? "they became direct, although nothing lets them" : undefined;
}

/** The grid for people: in each cell the median of the time until both sent straight, or until the first packet came through a relay. */
export function tableOf(reports: readonly CellReport[]): string {
  const cellOf = (left: Kind, right: Kind): string => {
    const cell = reports.filter((report) => report.left === left && report.right === right);
    if (cell.length === 0) return "";
    const isDirect = cell.some(({ mayBeDirect }) => mayBeDirect);
    const times = cell.map(({ directMs, firstMs }) => (isDirect ? directMs : firstMs) ?? Number.POSITIVE_INFINITY);
    const wrong = cell.some((report) => complaintOf(report) !== undefined) ? "!" : "";
    return `${wrong}${isDirect ? "direct" : "relay"} ${(medianOf(times) / 1000).toFixed(2)}`;
  };
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell) => cell.padEnd(WIDTH))
      .join("")
      .trimEnd();
  const rows = kinds.map((left) => line([left, ...kinds.map((right) => cellOf(left, right))]));
  return [line(["", ...kinds]), ...rows].join("\n");
}

const WIDTH = 13;

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
