import type { CellReport } from "./cell.ts";
import { type Kind, kinds } from "./kinds.ts";

/** Why a cell is not as it must be; undefined: it is. What may be direct must become so, and what may not must be reached through a relay. */
export function complaintOf({
  prospect,
  firstMs,
  directMs,
  isLossless,
  leftForNothing,
  violation,
}: CellReport): string | undefined {
  if (violation !== undefined) return violation;
  if (firstMs === undefined) return "nothing arrived, although there are relays";
  if (prospect === "direct" && directMs === undefined) return "they can become direct, and have not";
  if (prospect === "direct" && isLossless && (directMs ?? 0) > DIRECT_MS)
    return `they became direct after ${directMs} ms, which should take no more than ${DIRECT_MS}`;
  if (leftForNothing) return "they left the straight way, although nothing is lost on it";
  return prospect === "apart" && directMs !== undefined ? "they became direct, although nothing lets them" : undefined;
}

/** As in the lab, where distances are nothing: here a round trip can take half a second. */
const DIRECT_MS = 3_000;

/** The grid for people: in each cell the median of the time until both sent straight, or until the first packet came through a relay. */
export function tableOf(reports: readonly CellReport[]): string {
  const cellOf = (left: Kind, right: Kind): string => {
    const cell = reports.filter((report) => report.left === left && report.right === right);
    if (cell.length === 0) return "";
    const isDirect = cell.some(({ prospect, directMs }) => prospect === "direct" || directMs !== undefined);
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
