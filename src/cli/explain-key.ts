import { nearest } from "../core/base/suggest.ts";
import { formatDurationMs } from "../core/config/parse/scalar.ts";
import type { KeySpec, ValueType } from "../core/config/schema/key-spec.ts";
import { findSpec, lastName, namesIn, parentOf, SCHEMA } from "../core/config/schema/schema.ts";
import { typeName } from "../core/config/schema/type-name.ts";
import { ExitCode, OperatorError } from "../runtime/operator-error.ts";

/** `lacis config explain --json`: one key, or the keys of a section. */
export interface KeyReport {
  readonly path: string;
  readonly about: string;
  readonly type: string;
  /** Durations also say how short and how long they may be. */
  readonly range: { readonly min: string; readonly max: string } | null;
  /** As it would be written; null when there is none. */
  readonly default: string | null;
  /** Whether a reload applies a change; null for what has no effect. */
  readonly reload: "live" | "restart" | null;
  /** Nebula release that introduced it; "lacis" for what Nebula does not have. */
  readonly since: string;
  readonly state: KeySpec["state"]["kind"];
  /** What an older spelling stands for, what there is in place of a key that is gone, or why it has no effect. */
  readonly note: string | null;
}

/** What there is to know about a key: its own row, or those of a section. Throws where there is none of that name. */
export function explainKey(asked: string): readonly KeyReport[] {
  const path = inSchema(asked);
  const spec = findSpec(path);
  const below = SCHEMA.filter((each) => each.path.startsWith(`${path}.`) || each.path.startsWith(`${path}[].`));
  const specs = [...(spec ? [spec] : []), ...below];
  if (specs.length === 0) throw unknownKey(asked);
  return specs.map(keyReport);
}

/** The rows for people. */
export function explanation(keys: readonly KeyReport[]): readonly string[] {
  const [key, ...more] = keys;
  if (!key) return [];
  if (more.length > 0)
    return keys.map(({ path, about, note, state }) => `${path}: ${state === "implemented" ? about : note}`);
  const { path, about, type, range, reload, since, note } = key;
  return [
    `${path}: ${about}`,
    ...(note === null ? [] : [`  ${note}`]),
    `  value      ${type}${range ? `, ${range.min} to ${range.max}` : ""}`,
    `  default    ${key.default === null ? "none" : key.default || '""'}`,
    ...(reload === null ? [] : [`  a change   ${reload === "live" ? "is applied by a reload" : "takes a restart"}`]),
    `  known to   ${since === "lacis" ? "Lacis only" : `Nebula ${since} and later`}`,
  ];
}

/** As people write it: with a number in a list, rules of either direction. */
function inSchema(asked: string): string {
  const path = asked.replaceAll(/\[\d*\]/g, "[]").replace(/^firewall\.outbound(?=\[|\.)/, "firewall.inbound");
  if (findSpec(path) || namesIn(path)) return path;
  const item = `${parentOf(path)}[].${lastName(path)}`;
  return findSpec(item) ? item : path;
}

function keyReport({ path, about, type, default: written, reload, since, state }: KeySpec): KeyReport {
  return {
    path,
    about,
    type: typeName(type),
    range: rangeOf(type),
    default: written ?? null,
    reload: state.kind === "implemented" ? reload : null,
    since,
    state: state.kind,
    note: noteOf(state),
  };
}

function rangeOf(type: ValueType): KeyReport["range"] {
  return type.kind === "duration" ? { min: formatDurationMs(type.minMs), max: formatDurationMs(type.maxMs) } : null;
}

function noteOf(state: KeySpec["state"]): string | null {
  switch (state.kind) {
    case "implemented":
      return null;
    case "alias":
      return `an older spelling of ${state.of}`;
    case "ignored":
      return `has no effect here: ${state.why}`;
    case "removed":
      return `is gone: ${state.instead}`;
  }
}

function unknownKey(asked: string): OperatorError {
  const named = SCHEMA.filter(({ path }) => lastName(path) === asked).map(({ path }) => path);
  const paths = SCHEMA.map((spec) => spec.path);
  const others = new Set([...paths.map(parentOf), ...paths.map(lastName)].filter((name) => name !== ""));
  const similar = nearest(asked, paths) ?? nearest(asked, others);
  const todo =
    named.length > 0
      ? `say which: ${named.join(", ")}`
      : similar === undefined
        ? "see docs/CONFIG.md, or explain a section such as lighthouse"
        : `did you mean ${similar}?`;
  return new OperatorError(
    "unknown-key",
    { what: `no key is called ${asked}`, why: "the schema has none", todo },
    ExitCode.bad,
  );
}
