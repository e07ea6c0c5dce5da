import type { Place } from "./document.ts";

/** Stable names of what can be wrong with a configuration. */
export type ConfigErrorCode =
  | "CONFIG_FILE"
  | "CONFIG_SYNTAX"
  | "CONFIG_LIMIT"
  | "CONFIG_SHAPE"
  | "CONFIG_DUPLICATE_KEY"
  | "CONFIG_UNKNOWN_KEY"
  | "CONFIG_MISPLACED_KEY"
  | "CONFIG_NOT_YET"
  | "CONFIG_REMOVED_KEY"
  | "CONFIG_IGNORED_KEY"
  | "CONFIG_OLD_SPELLING"
  | "CONFIG_MISSING_KEY"
  | "CONFIG_TYPE"
  | "CONFIG_RANGE"
  | "CONFIG_VALUE"
  | "CONFIG_RULE"
  | "CONFIG_CONFLICT"
  | "CONFIG_IDENTITY"
  | "CONFIG_KEY_FILE";

/** One thing wrong, in one place. Texts hold no secret: nothing that is long enough to be a key is quoted (show.ts). */
export interface ConfigError {
  readonly code: ConfigErrorCode;
  /** Undefined where no line can be named (a file that is not there). */
  readonly place: Place | undefined;
  /** Full path of the key, "firewall.inbound[2].port"; empty when it is about the file. */
  readonly path: string;
  readonly what: string;
  readonly why?: string;
  /** What to do next. */
  readonly todo?: string;
  /** Path of the key that was probably meant: what would be said about that one only follows from this. */
  readonly meant?: string;
}

/** Accepted, and probably not what was meant. */
export type ConfigWarning = ConfigError;

/** One line: `file:line:col: path: what - why - what to do`. */
export function formatConfigError(error: ConfigError): string {
  const { place } = error;
  const where = place ? `${place.file}:${place.line}:${place.column}: ` : "";
  const path = error.path === "" ? "" : `${error.path}: `;
  return where + path + [error.what, error.why, error.todo].filter((part) => part !== undefined).join(" - ");
}

/** What keeps all of it from being looked at: there is no such file, or it may not be read. Then nothing else is said. */
export function wholeFileError(errors: readonly ConfigError[]): ConfigError | undefined {
  const [only, ...others] = errors;
  return only?.code === "CONFIG_FILE" && only.path === "" && !only.place && others.length === 0 ? only : undefined;
}

/** By file, line and column; what has no place comes first. */
export function inOrder(errors: readonly ConfigError[]): readonly ConfigError[] {
  return errors.toSorted((a, b) => comparePlaces(a.place, b.place));
}

function comparePlaces(a: Place | undefined, b: Place | undefined): number {
  if (!a || !b) return Number(a !== undefined) - Number(b !== undefined);
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}
