import { Seeded } from "../seeded.ts";
import type { DataPlaneProbe } from "../step.ts";
import { type Happening, history } from "./history.ts";
import { ModelPlayer, playInDataPlane, Scribe } from "./players.ts";

const PACKETS_OF_ONE_HISTORY = 100;
/** Longer than anything is remembered. */
const OBLIVION_MS = 1_000_000;

export interface Findings {
  cases: number;
  /** How many packets the model allowed, and refused for each reason. */
  readonly verdicts: Map<string, number>;
  /** The first few in words, and how many there were of each data plane. */
  readonly disagreements: Map<string, number>;
  readonly examples: string[];
}

/** So many packets, each judged by the model and by every data plane, in histories of a hundred. Each history depends on the seed and its number alone. */
export async function judgeCases(
  planes: ReadonlyMap<string, DataPlaneProbe>,
  { cases, seed }: { readonly cases: number; readonly seed: number },
): Promise<Findings> {
  const findings: Findings = { cases: 0, verdicts: new Map(), disagreements: new Map(), examples: [] };
  for (const plane of planes.values()) await plane.apply([{ do: "advance", to: 1 }, ...Scribe.beginning()]);
  const scribe = new Scribe();
  for (let number = 0, at = 1; findings.cases < cases; number++) {
    const happenings = [...history(new Seeded(seed * 1_000_003 + number), PACKETS_OF_ONE_HISTORY, at + OBLIVION_MS)];
    at = happenings.at(-1)!.at;
    const model = new ModelPlayer();
    const expected = happenings.map((happening) => model.play(happening));
    const steps = happenings.map((happening) => scribe.steps(happening));
    count(findings, expected);
    await Promise.all(
      [...planes].map(async ([name, plane]) => {
        const found = await playInDataPlane(plane, happenings, steps);
        const at = found.findIndex((verdict, i) => verdict !== expected[i]);
        if (at < 0) return;
        findings.disagreements.set(name, (findings.disagreements.get(name) ?? 0) + 1);
        if (findings.examples.length < 6)
          findings.examples.push(
            `history ${number}, ${name} says ${found[at]}, the model ${expected[at]}:\n${told(happenings, at)}`,
          );
      }),
    );
  }
  return findings;
}

function count(findings: Findings, verdicts: readonly (string | undefined)[]): void {
  for (const verdict of verdicts)
    if (verdict !== undefined) {
      findings.cases++;
      findings.verdicts.set(verdict, (findings.verdicts.get(verdict) ?? 0) + 1);
    }
}

/** What led to a disagreement: the packet, and what happened before it but other conversations. */
function told(happenings: readonly Happening[], at: number): string {
  const last = happenings[at]!;
  const isRelated = (each: Happening): boolean =>
    each.kind !== "packet" ||
    (last.kind === "packet" &&
      each.packet.remote === last.packet.remote &&
      each.packet.protocol === last.packet.protocol);
  const related = happenings.slice(0, at + 1).filter(isRelated);
  return related
    .map((each) => `  ${JSON.stringify(each, (_, value) => (value instanceof Map ? [...value] : value))}`)
    .join("\n");
}
