import { fail, ok, type Result } from "../../core/base/result.ts";
import type { WallTime } from "../../core/base/time.ts";
import { type ConfigError, type ConfigWarning, inOrder } from "../../core/config/document/config-error.ts";
import type { ConfigDocument, ConfigMap } from "../../core/config/document/document.ts";
import type { EffectiveValue } from "../../core/config/document/effective.ts";
import { Findings } from "../../core/config/document/findings.ts";
import { mergeFiles } from "../../core/config/document/merge.ts";
import { type ParsedConfig, parseSettings } from "../../core/config/parse/parse-settings.ts";
import type { Reloadable } from "../../core/config/reload-plan.ts";
import type { Difference } from "../../core/config/schema/unlike-nebula.ts";
import type { ConsoleSettings, LoggingSettings, StatsSettings, TelemetrySettings } from "../../core/config/settings.ts";
import type { CryptoSuite } from "../../core/crypto/suite.ts";
import { consoleFaults } from "../console/ssh/console-faults.ts";
import { loadPems } from "./config-pem.ts";
import { configFiles, readText, warnOfOpenFile } from "./config-sources.ts";
import { parseYaml } from "./config-yaml.ts";

export interface ConfigEnvironment {
  readonly suite: CryptoSuite;
  /** The moment at which certificates are judged. */
  readonly wall: WallTime;
}

/** A configuration without errors, ready to run. The running one is kept to compare a new one with it: `planReload`. */
export interface LoadedSettings extends Reloadable {
  readonly logging: LoggingSettings;
  readonly stats: StatsSettings;
  /** Undefined where there is no collector. */
  readonly telemetry: TelemetrySettings | undefined;
  /** Undefined where there is none. */
  readonly console: ConsoleSettings | undefined;
  readonly warnings: readonly ConfigWarning[];
  /** Every file it was made from, certificates and key included. */
  readonly files: readonly string[];
}

/** What `lacis check` prints. */
export interface ConfigCheck {
  /** Undefined when there are errors. */
  readonly config: LoadedSettings | undefined;
  readonly errors: readonly ConfigError[];
  readonly warnings: readonly ConfigWarning[];
  readonly files: readonly string[];
  /** Every key in force with its origin, secrets replaced; empty when the files are not even readable YAML. */
  readonly effective: readonly EffectiveValue[];
  /** Where the host is not as it would be under Nebula. */
  readonly differences: readonly Difference[];
}

/** Loads a configuration file or directory; the errors are complete and in order. Nothing is changed by loading. */
export function loadSettings(path: string, env: ConfigEnvironment): Result<LoadedSettings, readonly ConfigError[]> {
  const { config, errors } = checkConfig(path, env);
  return config ? ok(config) : fail(errors);
}

/** Loads a configuration file or directory and tells everything about it: what is wrong, what is doubtful, what is in force. */
export function checkConfig(path: string, env: ConfigEnvironment): ConfigCheck {
  const document = readDocument(path);
  if (!document.ok)
    return { config: undefined, errors: document.reason, warnings: [], files: [], effective: [], differences: [] };
  const { root, files: configs } = document.value.document;
  const pems = loadPems(root);
  const files = [...configs, ...pems.files];
  for (const file of files) warnOfOpenFile(file, document.value.findings);
  const parsed = parseSettings(document.value.document, pems.texts, env, document.value.findings);
  const errors = inOrder([...parsed.errors, ...pems.errors, ...consoleFaults(parsed.console)]);
  const config = errors.length === 0 ? loaded(parsed, files) : undefined;
  const { warnings, effective, differences } = parsed;
  return { config, errors, warnings, files, effective, differences };
}

function loaded(parsed: ParsedConfig, files: readonly string[]): LoadedSettings | undefined {
  const { settings, logging, stats, telemetry, console, warnings, effective, digests } = parsed;
  return settings && { settings, logging, stats, telemetry, console, warnings, effective, digests, files };
}

/** The files of the path, read and merged; a file that is no readable YAML stops here, with the errors of all such files. */
function readDocument(path: string): Result<{ document: ConfigDocument; findings: Findings }, readonly ConfigError[]> {
  const files = configFiles(path);
  if (!files.ok) return fail([files.reason]);
  const roots: { name: string; root: ConfigMap }[] = [];
  const errors: ConfigError[] = [];
  for (const name of files.value) {
    const text = readText(name);
    if (!text.ok) {
      errors.push(text.reason);
      continue;
    }
    const parsed = parseYaml(name, text.value);
    if (parsed.ok) roots.push({ name, root: parsed.root });
    else errors.push(...parsed.errors);
  }
  if (errors.length > 0) return fail(inOrder(errors));
  const findings = new Findings();
  return ok({ document: mergeFiles(roots, findings), findings });
}
