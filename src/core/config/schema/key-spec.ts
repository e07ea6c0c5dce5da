/** One key of the configuration, completely: what the parser, the suggestions, the reload plan and docs/CONFIG.md know about it. */
export interface KeySpec {
  /** Dotted; "[]" stands for any item of a list: "firewall.inbound[].port". */
  readonly path: string;
  readonly type: ValueType;
  /** As it would be written in the file; undefined when there is none. */
  readonly default: string | undefined;
  /** Whether a reload applies a change, or only a restart. */
  readonly reload: "live" | "restart";
  /** Nebula release that introduced it; "1.0" for the oldest, "1.12" for what is not released yet. */
  readonly since: string;
  readonly state: KeyState;
  /** One sentence for the operator. */
  readonly about: string;
  /** Its value may be or hold a private key: never shown. */
  readonly secret: boolean;
}

export type KeyState =
  | { readonly kind: "implemented" }
  /** Accepted; a warning says why it has no effect when it is not the default. */
  | { readonly kind: "ignored"; readonly why: string }
  /** An older spelling of another key. */
  | { readonly kind: "alias"; readonly of: string }
  /** Gone from Nebula. Refused where it once meant something that would now silently be missing. */
  | { readonly kind: "removed"; readonly refused: boolean; readonly instead: string };

export type ValueType =
  | { readonly kind: "boolean" }
  | { readonly kind: "integer"; readonly min: number; readonly max: number; readonly unit: IntegerUnit }
  | { readonly kind: "duration"; readonly minMs: number; readonly maxMs: number }
  | {
      readonly kind: "choice";
      readonly values: readonly string[];
      readonly spellings: Readonly<Record<string, string>>;
    }
  | { readonly kind: "text"; readonly pattern: RegExp; readonly means: string }
  | { readonly kind: "pem"; readonly holds: string }
  | { readonly kind: "address" }
  /** An address or a name. */
  | { readonly kind: "host" }
  | { readonly kind: "prefix" }
  | { readonly kind: "host-port" }
  | { readonly kind: "list"; readonly of: ValueType; readonly single: boolean }
  | { readonly kind: "map"; readonly keys: string; readonly of: ValueType }
  | { readonly kind: "rules" }
  /** What only its own parser knows. */
  | { readonly kind: "structure"; readonly means: string };

export type IntegerUnit = "" | "s" | "bytes" | "packets";

export const BOOLEAN: ValueType = { kind: "boolean" };
export const ADDRESS: ValueType = { kind: "address" };
export const HOST: ValueType = { kind: "host" };
export const PREFIX: ValueType = { kind: "prefix" };
export const HOST_PORT: ValueType = { kind: "host-port" };
export const RULES: ValueType = { kind: "rules" };
export const PORT: ValueType = integer(0, 65_535);
export const TEXT: ValueType = { kind: "text", pattern: /^/, means: "text" };

export function integer(min: number, max: number, unit: IntegerUnit = ""): ValueType {
  return { kind: "integer", min, max, unit };
}

export function duration(minMs: number, maxMs: number): ValueType {
  return { kind: "duration", minMs, maxMs };
}

/** `spellings` maps further accepted words to the value they stand for. */
export function choice(values: readonly string[], spellings: Readonly<Record<string, string>> = {}): ValueType {
  return { kind: "choice", values, spellings };
}

/** `single`: one item may stand without the list. */
export function listOf(of: ValueType, options: { single: boolean } = { single: false }): ValueType {
  return { kind: "list", of, single: options.single };
}

/** `keys`: what they are. */
export function mapOf(keys: string, of: ValueType): ValueType {
  return { kind: "map", keys, of };
}

export function structure(means: string): ValueType {
  return { kind: "structure", means };
}

/** What a row of a section's table says; the rest comes from the section. */
export interface KeyRow {
  readonly type: ValueType;
  readonly default?: string;
  readonly reload?: KeySpec["reload"];
  readonly since?: string;
  readonly state?: KeyState;
  readonly about: string;
  readonly secret?: boolean;
}

/** The rows of one section as keys: `name` and a dot before each, or the plain row name for the top level (""). */
export function section(
  name: string,
  defaults: { readonly reload: KeySpec["reload"]; readonly state?: KeyState },
  rows: Readonly<Record<string, KeyRow>>,
): readonly KeySpec[] {
  return Object.entries(rows).map(([key, row]) => ({
    path: name === "" ? key : `${name}.${key}`,
    type: row.type,
    default: row.default,
    reload: row.reload ?? defaults.reload,
    since: row.since ?? "1.0",
    state: row.state ?? defaults.state ?? IMPLEMENTED,
    about: row.about,
    secret: row.secret ?? false,
  }));
}

export const IMPLEMENTED: KeyState = { kind: "implemented" };

export function ignored(why: string): KeyState {
  return { kind: "ignored", why };
}

export function removed(instead: string, options: { refused: boolean }): KeyState {
  return { kind: "removed", refused: options.refused, instead };
}
