import type { MachineFacts } from "./machine-facts.ts";
import { ratio, type ScenarioResult, spread } from "./results.ts";
import type { Figure, Wanted } from "./scenarios/scenario.ts";

/** Whom everything is compared with. */
export const OURS = "lacis";

export function describeMachine(machine: MachineFacts): string {
  const { processor, cores, memoryGb, kernel, flags, mitigations } = machine;
  const against = Object.entries(mitigations).map(([name, state]) => `${name}: ${state}`);
  return [
    `${processor}, ${cores} cores, ${memoryGb} GB; ${flags.join(" ")}; Linux ${kernel}`,
    ...against.map((line) => `  ${line}`),
  ].join("\n");
}

/** A table of one scenario: engines down, figures across, what is wanted below. */
export function describeScenario(result: ScenarioResult): string {
  const lines = [`\n${result.title} (${result.rounds.length} rounds of ${result.seconds} s)`];
  for (const figure of result.figures) lines.push(...describeFigure(figure, result));
  if (result.droppedRounds > 0) lines.push(`  ${result.droppedRounds} rounds dropped: other programs were at work`);
  if (result.loadedRounds > 0) lines.push(`  ${result.loadedRounds} of the rounds under load of other programs`);
  for (const failure of result.failed) lines.push(`  FAIL: ${failure}`);
  return lines.join("\n");
}

function describeFigure(figure: Figure, { rounds, engines }: ScenarioResult): string[] {
  const lines = [`  ${figure.unit}`];
  for (const [name, { cipher }] of Object.entries(engines)) {
    const values = spread(rounds, name, figure.name);
    if (values === undefined) continue;
    const shown = (value: number) => value.toFixed(figure.digits);
    const times = name === OURS ? undefined : ratio(rounds, OURS, name, figure.name);
    const against = times === undefined ? "" : `ours is ${times.toFixed(2)} x`;
    const range = `${shown(values.least)} .. ${shown(values.most)}`;
    lines.push(
      `    ${name.padEnd(15)}${shown(values.median).padStart(9)}   ${range.padEnd(22)}${cipher.padEnd(26)}  ${against}`,
    );
  }
  for (const wanted of figure.wanted ?? []) {
    const judged = judge(figure, wanted, { rounds, engines });
    if (judged) lines.push(`    ${judged.holds ? "ok" : "SHORT"}: ${judged.sentence}`);
  }
  return lines;
}

/** Whether what is wanted is reached; undefined where it cannot be said. */
export function judge(
  figure: Figure,
  { than, times }: Wanted,
  { rounds, engines }: Pick<ScenarioResult, "rounds" | "engines">,
): { readonly holds: boolean; readonly sentence: string } | undefined {
  const others = Object.keys(engines).filter((name) => !name.startsWith(OURS));
  const better = (a: number, b: number) => (figure.better === "more" ? a > b : a < b);
  const other = than === "best" ? best(others, (name) => spread(rounds, name, figure.name)?.median, better) : than;
  const reached = other === undefined ? undefined : ratio(rounds, OURS, other, figure.name);
  if (reached === undefined) return undefined;
  const holds = figure.better === "more" ? reached >= times : reached <= times;
  const bound = figure.better === "more" ? "at least" : "at most";
  return { holds, sentence: `${reached.toFixed(2)} x ${other}, wanted ${bound} ${times}` };
}

function best(
  names: readonly string[],
  value: (name: string) => number | undefined,
  better: (a: number, b: number) => boolean,
): string | undefined {
  let found: { readonly name: string; readonly value: number } | undefined;
  for (const name of names) {
    const its = value(name);
    if (its !== undefined && (found === undefined || better(its, found.value))) found = { name, value: its };
  }
  return found?.name;
}
