import { type ConfigError, formatConfigError } from "../../core/config/document/config-error.ts";
import { type KeyChange, planReload, type ReloadPlan } from "../../core/config/reload-plan.ts";
import type { CryptoSuite } from "../../core/crypto/suite.ts";
import { readClock } from "../clock.ts";
import { OperatorError } from "../operator-error.ts";
import { type LoadedSettings, loadSettings } from "./config-file.ts";

// What a daemon does with its configuration, and `lacis config diff` with two of them. What is refused is thrown as one complaint.

/** What a reload would do, with the values of now and then. Secrets are not in it. */
export interface ReloadPreview {
  readonly applied: readonly KeyChange[];
  readonly needsRestart: readonly KeyChange[];
  readonly warnings: readonly string[];
}

/** The configuration as it is written now. `suite`: what its key is computed with. */
export function loadConfig(config: string, suite: CryptoSuite): LoadedSettings {
  const loaded = loadSettings(config, { suite, wall: readClock().wall });
  if (loaded.ok) return loaded.value;
  throw configRefused(config, loaded.reason);
}

/** How to come from one configuration to the other, which stands in `config`. */
export function reloadPlan(running: LoadedSettings, next: LoadedSettings, config: string): ReloadPlan {
  const plan = planReload(running, next);
  if (plan.ok) return plan.value;
  throw configRefused(config, [plan.reason]);
}

export function previewOf({ applied, needsRestart }: ReloadPlan, next: LoadedSettings): ReloadPreview {
  return { applied, needsRestart, warnings: next.warnings.map(formatConfigError) };
}

/** The complaint about a configuration, with every error in it. */
function configRefused(config: string, errors: readonly ConfigError[]): OperatorError {
  return new OperatorError("config-refused", {
    what: `cannot use the configuration ${config}`,
    why: errors.length === 1 ? "it has an error" : `it has ${errors.length} errors`,
    todo: `correct it, then: lacis check ${config}`,
    details: errors.map(formatConfigError),
  });
}
