import { buildNatMesh, type NatMesh, type Site } from "../lab/nat/nat-mesh.ts";
import { type Contact, meet } from "./contact.ts";
import { CARRIERS, expectation, type Position } from "./positions.ts";

/** One pair of the grid and what became of it. The row calls. */
export interface Cell extends Contact {
  readonly row: string;
  readonly column: string;
}

/** How many pairs meet at once: more, and what is measured is the machine. */
const AT_ONCE = 3;
/** Nothing is waited for longer than twice the slowest limit. */
const PATIENCE_MS = 6_000;
/** Pairs that only a relay can join are looked at this long in case they do better. */
const RELAYED_PATIENCE_MS = 2_500;

/**
 * Lets each pair meet, in one mesh. Every row and every column is a host of its own, so that each pair meets for the first time.
 */
export async function runGrid(
  label: string,
  pairs: readonly (readonly [Position, Position])[],
  note: (cell: Cell) => void = () => {},
): Promise<readonly Cell[]> {
  const nat = await buildGrid(label, pairs);
  const cells: Cell[] = [];
  try {
    await startGently(nat);
    const waiting = apart(pairs);
    const work = async (): Promise<void> => {
      for (let pair = waiting.shift(); pair; pair = waiting.shift()) {
        const [row, column] = [pair[0].name, pair[1].name];
        const patience = expectation(row, column).path === "relayed" ? RELAYED_PATIENCE_MS : PATIENCE_MS;
        const contact = await meet(nat.host(rowHost(row)), nat.host(columnHost(column)), patience);
        cells.push({ row, column, ...contact });
        note(cells.at(-1)!);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    await nat.mesh.close();
  }
  return cells;
}

/** What a cell falls short of; undefined when it is as it should be. */
export function shortfall({ row, column, firstAnswerMs, directMs }: Cell): string | undefined {
  const { path, withinMs } = expectation(row, column);
  const name = `${row} x ${column}`;
  if (firstAnswerMs === undefined) return `${name}: never answered`;
  if (path === "direct") {
    if (directMs === undefined) return `${name}: stays relayed, should be direct`;
    return directMs > withinMs
      ? `${name}: direct after ${inSeconds(directMs)} s, should be ${inSeconds(withinMs)}`
      : undefined;
  }
  if (path === "relayed" && directMs !== undefined) return `${name}: direct, which its translators should not allow`;
  return firstAnswerMs > withinMs
    ? `${name}: first answer after ${inSeconds(firstAnswerMs)} s, should be ${inSeconds(withinMs)}`
    : undefined;
}

/** The grid in text: rows call columns; "0.05 d 0.31": first answer after 0.05 s, direct after 0.31 s; "r": through the relay for good. */
export function formatGrid(cells: readonly Cell[]): string {
  const [rows, columns] = [cells.map(({ row }) => row), cells.map(({ column }) => column)].map((all) => [
    ...new Set(all),
  ]);
  const text = ({ firstAnswerMs, directMs }: Cell): string =>
    firstAnswerMs === undefined
      ? "NO"
      : `${inSeconds(firstAnswerMs)} ${directMs === undefined ? "r" : `d ${inSeconds(directMs)}`}`;
  const lines = rows!.map((row) =>
    columns!.map((column) => {
      const cell = cells.find((each) => each.row === row && each.column === column);
      return cell ? text(cell) : "-";
    }),
  );
  const table = [["", ...columns!], ...rows!.map((row, i) => [row, ...lines[i]!])];
  const widths = table[0]!.map((_, i) => Math.max(...table.map((line) => line[i]!.length)));
  return table
    .map((line) =>
      line
        .map((each, i) => each.padEnd(widths[i]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function inSeconds(ms: number): string {
  return (ms / 1_000).toFixed(2);
}

function buildGrid(label: string, pairs: readonly (readonly [Position, Position])[]): Promise<NatMesh<string>> {
  const sites = new Map<string, Site>();
  for (const [row, column] of pairs) {
    sites.set(rowHost(row.name), row.site);
    sites.set(columnHost(column.name), column.site);
  }
  const carriers = new Set([...sites.values()].flatMap(({ carrier }) => carrier ?? []));
  return buildNatMesh(label, {
    sites: Object.fromEntries(sites),
    carriers: Object.fromEntries(Object.entries(CARRIERS).filter(([name]) => carriers.has(name))),
  });
}

/** A few at a time: forty daemons that start at once are late, not wrong. */
async function startGently({ mesh, lighthouses, relays }: NatMesh<string>): Promise<void> {
  const first = new Set([...lighthouses, ...relays]);
  await Promise.all([...first].map((host) => host.start()));
  const rest = mesh.hosts.filter((host) => !first.has(host));
  const work = async (): Promise<void> => {
    for (let host = rest.shift(); host; host = rest.shift()) await host.start();
  };
  await Promise.all([work(), work(), work()]);
}

/** Such an order that pairs next to each other have no host in common. */
function apart(pairs: readonly (readonly [Position, Position])[]): (readonly [Position, Position])[] {
  const rows = [...new Set(pairs.map(([row]) => row.name))];
  const columns = [...new Set(pairs.map(([, column]) => column.name))];
  const diagonal = ([row, column]: readonly [Position, Position]): number =>
    (columns.indexOf(column.name) - rows.indexOf(row.name) + rows.length) % Math.max(rows.length, columns.length);
  return [...pairs].sort((a, b) => diagonal(a) - diagonal(b));
}

function rowHost(position: string): string {
  return `a-${hostName(position)}`;
}

function columnHost(position: string): string {
  return `b-${hostName(position)}`;
}

/** Device and namespace names know no stars. */
function hostName(position: string): string {
  return position.replace("*", "-open");
}
