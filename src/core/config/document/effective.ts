import { toHex, utf8Encode } from "../../base/bytes.ts";
import type { CryptoSuite } from "../../crypto/suite.ts";
import { isPem } from "../parse/pem-reference.ts";
import { parseBoolean, parseChoice, parseInteger } from "../parse/scalar.ts";
import type { KeySpec, ValueType } from "../schema/key-spec.ts";
import type { FoundValue } from "../schema/keys.ts";
import { SCHEMA } from "../schema/schema.ts";
import type { ConfigNode, Place } from "./document.ts";

/** Plain data, ready for JSON. Objects have no prototype. */
export type PlainValue =
  | string
  | number
  | boolean
  | null
  | readonly PlainValue[]
  | { readonly [key: string]: PlainValue };

/** One key of the configuration in force: what it is and where it comes from. Secrets are replaced. */
export interface EffectiveValue {
  readonly path: string;
  readonly value: PlainValue;
  /** Undefined: nobody wrote it, this is the default. */
  readonly origin: Place | undefined;
}

/** Every key that has an effect, in the order of the schema. */
export function effectiveValues(found: ReadonlyMap<string, FoundValue>): readonly EffectiveValue[] {
  return EFFECTIVE_KEYS.map((spec) => ({
    path: spec.path,
    value: shown(spec, currentValue(spec, found)),
    origin: found.get(spec.path)?.node.place,
  }));
}

/**
 * SHA-256 of each key's value, with the content of the files it names (`contents`, by key): tells whether a reload changes something
 * without holding what must not be held.
 */
export function valueDigests(
  found: ReadonlyMap<string, FoundValue>,
  contents: Readonly<Record<string, string | undefined>>,
  suite: CryptoSuite,
): ReadonlyMap<string, string> {
  const digest = (spec: KeySpec): string =>
    toHex(suite.sha256(utf8Encode(JSON.stringify([currentValue(spec, found), contents[spec.path] ?? null]))));
  return new Map(EFFECTIVE_KEYS.map((spec) => [spec.path, digest(spec)]));
}

const EFFECTIVE_KEYS: readonly KeySpec[] = SCHEMA.filter(
  ({ state, path }) => state.kind === "implemented" && !path.includes("[]"),
);

function currentValue(spec: KeySpec, found: ReadonlyMap<string, FoundValue>): PlainValue {
  const node = found.get(spec.path)?.node;
  return node ? plain(node, spec.type) : plainDefault(spec.type, spec.default);
}

function plain(node: ConfigNode, type: ValueType): PlainValue {
  switch (node.kind) {
    case "null":
      return null;
    case "scalar":
      return plainScalar(node.text, type);
    case "list":
      return node.items.map((item) => plain(item, type.kind === "list" ? type.of : ANYTHING));
    case "map": {
      const object: Record<string, PlainValue> = Object.create(null);
      for (const { key, value } of node.entries.values())
        object[key] = plain(value, type.kind === "map" ? type.of : ANYTHING);
      return object;
    }
  }
}

function plainScalar(text: string, type: ValueType): PlainValue {
  if (type.kind === "boolean") return parseBoolean(text) ?? text;
  if (type.kind === "integer") return parseInteger(text) ?? text;
  if (type.kind === "choice") return parseChoice(type, text) ?? text;
  return text;
}

function plainDefault(type: ValueType, text: string | undefined): PlainValue {
  if (text === "[]") return [];
  if (text === "{}") return Object.create(null);
  return text === undefined ? null : plainScalar(text, type);
}

function shown({ secret, type }: KeySpec, value: PlainValue): PlainValue {
  // A key's place in the file system is none.
  return secret && type.kind !== "pem" ? withTexts(value, (text) => (text === "" ? "" : "[secret]")) : redacted(value);
}

/** PEM text may hold a private key, under whatever key it was written. Paths and all else stay. */
function redacted(value: PlainValue): PlainValue {
  return withTexts(value, (text) => (isPem(text) ? "[inline PEM]" : text));
}

/** The same with each text in it changed. */
function withTexts(value: PlainValue, change: (text: string) => string): PlainValue {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((item) => withTexts(item, change));
  if (typeof value !== "object" || value === null) return value;
  const object: Record<string, PlainValue> = Object.create(null);
  for (const [key, item] of Object.entries(value)) object[key] = withTexts(item, change);
  return object;
}

const ANYTHING: ValueType = { kind: "structure", means: "anything" };
