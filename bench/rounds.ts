import type { Authority } from "../test/netns/lab/certificates.ts";
import { watchCpu } from "./cpu.ts";
import type { Engine } from "./engines/engine.ts";
import { Link } from "./link.ts";
import { readMachineFacts } from "./machine-facts.ts";
import type { Round, ScenarioResult } from "./results.ts";
import type { Effort, Scenario } from "./scenarios/scenario.ts";

/** Of all time, what other programs may take before a round says nothing. */
const FOREIGN_SHARE_MAX = 0.04;

export interface Series {
  readonly rounds: number;
  /** So many rounds of a scenario are done again because of other programs; then they are taken as they are, and marked. */
  readonly drops: number;
  readonly effort: Effort;
  readonly authority: Authority;
  readonly tell: (line: string) => void;
}

/** Measures a scenario: in every round each engine once, in an order of chance, so that a machine that slows down slows all of them. */
export async function measureScenario(
  scenario: Scenario,
  engines: readonly Engine[],
  series: Series,
): Promise<ScenarioResult> {
  const facts = { at: new Date().toISOString(), machine: readMachineFacts() };
  const able = engines.filter(
    (engine) => engine.cipher(scenario.setup) !== undefined && (scenario.only?.(engine) ?? true),
  );
  const rounds: Round[] = [];
  const failed: string[] = [];
  let [dropped, loaded] = [0, 0];
  while (rounds.length < series.rounds) {
    const { round, foreignShare, failures } = await measureRound(scenario, shuffled(able), series);
    failed.push(...failures);
    const isLoaded = foreignShare > FOREIGN_SHARE_MAX;
    if (isLoaded && dropped < series.drops) {
      series.tell(`dropped: others took ${(foreignShare * 100).toFixed(0)} % of the machine`);
      dropped++;
    } else {
      rounds.push(round);
      if (isLoaded) loaded++;
    }
  }
  return {
    title: scenario.title,
    figures: scenario.figures,
    ...facts,
    seconds: series.effort.seconds,
    engines: Object.fromEntries(
      able.map((engine) => [engine.name, { version: engine.version, cipher: engine.cipher(scenario.setup)! }]),
    ),
    rounds,
    droppedRounds: dropped,
    loadedRounds: loaded,
    failed,
  };
}

let links = 0;

async function measureRound(
  scenario: Scenario,
  engines: readonly Engine[],
  { effort, authority, tell }: Series,
): Promise<{ readonly round: Round; readonly foreignShare: number; readonly failures: readonly string[] }> {
  const failures: string[] = [];
  const round: Record<string, Readonly<Record<string, number>>> = {};
  let foreignShare = 0;
  for (const engine of engines) {
    const open = (setup: Scenario["setup"]) => Link.open(`bench${++links}`, engine, setup, authority);
    const [values, use] = await watchCpu(() => scenario.run({ effort, open }).catch(reason));
    if (values instanceof Error) {
      // The others have measured all the same.
      tell(`${scenario.name}  ${engine.name.padEnd(14)} FAIL: ${values.message}`);
      failures.push(`${engine.name}: ${values.message}`);
      continue;
    }
    foreignShare = Math.max(foreignShare, use.foreignShare);
    round[engine.name] = values;
    const told = scenario.figures.filter(({ name }) => name in values);
    const shown = told.map(({ name, digits }) => `${name} ${values[name]?.toFixed(digits)}`);
    tell(
      `${scenario.name}  ${engine.name.padEnd(14)} ${shown.join("  ")}  (others ${(use.foreignShare * 100).toFixed(1)} %)`,
    );
  }
  return { round, foreignShare, failures };
}

function reason(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function shuffled<T>(list: readonly T[]): T[] {
  const order = list.map((value) => ({ value, chance: Math.random() }));
  return order.sort((a, b) => a.chance - b.chance).map(({ value }) => value);
}
