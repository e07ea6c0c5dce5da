import { formatConfigError } from "../../core/config/document/config-error.ts";
import type { ReloadPlan } from "../../core/config/reload-plan.ts";
import type { Settings } from "../../core/config/settings.ts";
import { daemonSuite } from "../crypto/daemon-suite.ts";
import type { LoadedSettings } from "./config-file.ts";
import { loadConfig, reloadPlan } from "./refusable.ts";

/** What a reload did. Keys are full paths. */
export interface ReloadOutcome {
  readonly applied: readonly string[];
  readonly needsRestart: readonly string[];
  readonly warnings: readonly string[];
}

/** The configuration that is in force, and what a reload makes of it. */
export class RunningConfig {
  /** File or folder. */
  readonly path: string;
  #loaded: LoadedSettings;
  #needsRestart: readonly string[] = [];

  constructor(path: string, loaded: LoadedSettings) {
    this.path = path;
    this.#loaded = loaded;
  }

  get loaded(): LoadedSettings {
    return this.#loaded;
  }

  get settings(): Settings {
    return this.#loaded.settings;
  }

  /** Keys that differ from what runs, and wait for a restart. */
  get needsRestart(): readonly string[] {
    return this.#needsRestart;
  }

  /** What is written now, and how to come there. Throws an OperatorError when it has an error. */
  plan(): { readonly next: LoadedSettings; readonly plan: ReloadPlan } {
    const next = loadConfig(this.path, daemonSuite());
    return { next, plan: reloadPlan(this.#loaded, next, this.path) };
  }

  apply(next: LoadedSettings, { live, applied, needsRestart }: ReloadPlan): ReloadOutcome {
    // What waits for a restart still differs from what runs, so that the next reload says so again.
    const digests = new Map(next.digests);
    for (const { path } of needsRestart) digests.set(path, this.#loaded.digests.get(path) ?? "");
    this.#loaded = { ...next, settings: { boot: this.#loaded.settings.boot, live }, digests };
    this.#needsRestart = needsRestart.map(({ path }) => path);
    return {
      applied: applied.map(({ path }) => path),
      needsRestart: this.#needsRestart,
      warnings: next.warnings.map(formatConfigError),
    };
  }
}
