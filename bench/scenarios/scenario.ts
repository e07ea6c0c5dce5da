import type { Engine, Setup } from "../engines/engine.ts";
import type { Link } from "../link.ts";

/** A value that a scenario measures. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly better: "more" | "less";
  readonly digits: number;
  /** What is wanted: so many times the value of an engine (of the best of the others, where none is named); at most so many times, where less is better. */
  readonly wanted?: readonly Wanted[];
}

export interface Wanted {
  readonly than: string;
  readonly times: number;
}

/** How long each measurement of a scenario takes. */
export interface Effort {
  readonly seconds: number;
}

/** What a scenario has to work with. */
export interface Bench {
  readonly effort: Effort;
  /** Two hosts, started anew; the caller ends them. */
  open(setup: Setup): Promise<Link>;
}

/** Something that is done with an engine, and the figures that come out. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly setup: Setup;
  readonly figures: readonly Figure[];
  /** Engines that it is for, all when left out. */
  readonly only?: (engine: Engine) => boolean;
  /** What it needs and this machine does not have. */
  readonly missing?: () => Promise<string | undefined>;
  /** The value of each figure by its name. */
  run(bench: Bench): Promise<Readonly<Record<string, number>>>;
}
