import { type ConfigError, formatConfigError, wholeFileError } from "../../core/config/document/config-error.ts";
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
  throw refused("configuration", config, loaded.reason);
}

/** How to come from one configuration to the other, which stands in `config`. */
export function reloadPlan(running: LoadedSettings, next: LoadedSettings, config: string): ReloadPlan {
  const plan = planReload(running, next);
  if (plan.ok) return plan.value;
  throw refused("configuration", config, [plan.reason]);
}

export function previewOf({ applied, needsRestart }: ReloadPlan, next: LoadedSettings): ReloadPreview {
  return { applied, needsRestart, warnings: next.warnings.map(formatConfigError) };
}

/** The complaint about a file, with every error in it. */
export function refused(kind: "configuration" | "policy", path: string, errors: readonly ConfigError[]): OperatorError {
  const code = kind === "policy" ? "policy-refused" : "config-refused";
  const what = `cannot use the ${kind} ${path}`;
  const unread = wholeFileError(errors);
  if (unread)
    return new OperatorError(code, { what, why: aboutIt(unread, path), todo: unread.todo ?? "check the path" });
  return new OperatorError(code, {
    what,
    why: errors.length === 1 ? "it has an error" : `it has ${errors.length} errors`,
    todo: `correct it, then: lacis ${kind === "policy" ? "policy check" : "check"} ${path}`,
    details: errors.map(formatConfigError),
  });
}

/** How many errors a file has, in one line, for whoever has printed them. */
export function verdictOn(path: string, errors: readonly ConfigError[], doubts = ""): string {
  const unread = wholeFileError(errors);
  if (unread) return `lacis: cannot check ${path} - ${aboutIt(unread, path)} - ${unread.todo ?? "check the path"}`;
  const count = errors.length === 1 ? "1 error" : `${errors.length} errors`;
  return `lacis: ${path} - ${count}${doubts} - correct and check again`;
}

function aboutIt({ what }: ConfigError, path: string): string {
  return what.startsWith(`${path} `) ? `it${what.slice(path.length)}` : what;
}
