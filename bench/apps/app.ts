import { isInstalled } from "../../test/netns/lab/command.ts";
import { USUAL } from "../engines/engine.ts";
import type { Link } from "../link.ts";
import type { Effort, Figure, Scenario } from "../scenarios/scenario.ts";

/** A program that knows nothing of a tunnel, run through one. */
export interface App {
  readonly name: string;
  readonly title: string;
  /** What has to be installed. */
  readonly programs: readonly string[];
  /** What else it needs and this machine does not have; asked once the programs are there. */
  readonly missing?: () => Promise<string | undefined>;
  readonly figures: readonly Omit<Figure, "wanted">[];
  run(link: Link, effort: Effort): Promise<Readonly<Record<string, number>>>;
}

/** None may be slower than through the released Nebula. */
const WANTED = [{ than: "nebula-1.11", times: 1 }];

export function appScenario(app: App): Scenario {
  return {
    name: app.name,
    title: app.title,
    setup: USUAL,
    figures: app.figures.map((figure) => ({ ...figure, wanted: WANTED })),
    async missing() {
      for (const program of app.programs) if (!(await isInstalled(program))) return program;
      return await app.missing?.();
    },
    async run({ open, effort }) {
      await using link = await open(USUAL);
      return await app.run(link, effort);
    },
  };
}

/** The first number that a pattern finds in what a program printed. */
export function numberIn(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`nothing like ${pattern} in: ${text.slice(-500)}`);
  return Number(found);
}
