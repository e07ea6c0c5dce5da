import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { MachineFacts } from "./machine-facts.ts";
import { median } from "./pairing.ts";
import type { Figure } from "./scenarios/scenario.ts";

/** What was measured, as it is kept in a file. */
export interface Results {
  readonly scenarios: Readonly<Record<string, ScenarioResult>>;
}

export interface ScenarioResult {
  readonly title: string;
  readonly figures: readonly Figure[];
  readonly at: string;
  readonly machine: MachineFacts;
  readonly seconds: number;
  readonly engines: Readonly<Record<string, EngineFacts>>;
  readonly rounds: readonly Round[];
  /** Rounds that were thrown away because other programs took too much of the machine. */
  readonly droppedRounds: number;
  /** Rounds that count although other programs took too much: too many had been dropped before. */
  readonly loadedRounds: number;
  /** What could not be measured and why, each with the engine. */
  readonly failed: readonly string[];
}

export interface EngineFacts {
  readonly version: string;
  readonly cipher: string;
}

/** Of every engine, the value of every figure. */
export type Round = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** The values of a figure over the rounds; undefined where the engine has none. */
export function spread(rounds: readonly Round[], engine: string, figure: string): Spread | undefined {
  const values = rounds.map((round) => round[engine]?.[figure]).filter((value) => value !== undefined);
  if (values.length === 0) return undefined;
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

/** How often the value of one engine is in that of another: the median of what each round says. */
export function ratio(rounds: readonly Round[], engine: string, to: string, figure: string): number | undefined {
  const ratios: number[] = [];
  for (const round of rounds) {
    const [value, base] = [round[engine]?.[figure], round[to]?.[figure]];
    if (value !== undefined && base !== undefined && base !== 0) ratios.push(value / base);
  }
  return ratios.length === 0 ? undefined : median(ratios);
}

export function readResults(path: string): Results {
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : { scenarios: {} };
}

/** Keeps results in a file; what it holds of other scenarios stays. */
export async function keepResults(path: string, results: Results): Promise<void> {
  const scenarios = { ...readResults(path).scenarios, ...results.scenarios };
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify({ scenarios }, undefined, 1)}\n`);
}
