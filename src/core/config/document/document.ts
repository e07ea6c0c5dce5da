/**
 * A configuration as the core sees it: a tree of untyped values, each knowing where it was written. The runtime makes it from YAML;
 * nothing here depends on that.
 */
export interface ConfigDocument {
  /** Every file merged into one (merge.ts). */
  readonly root: ConfigMap;
  /** The files it came from, in the order of their merging. */
  readonly files: readonly string[];
}

/** Where something stands: file as the operator named it, line and column from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A value with where it was read from. */
export interface Placed<Value> {
  readonly value: Value;
  readonly place: Place;
  /** Full path of its key. */
  readonly path: string;
}

export type ConfigNode = ConfigNull | ConfigScalar | ConfigList | ConfigMap;

/** A key without a value: treated as if it were not there. */
export interface ConfigNull {
  readonly kind: "null";
  readonly place: Place;
}

/** Text as written; which type it has is the key's business, so `group: 0123` stays "0123". */
export interface ConfigScalar {
  readonly kind: "scalar";
  readonly place: Place;
  readonly text: string;
}

export interface ConfigList {
  readonly kind: "list";
  readonly place: Place;
  readonly items: readonly ConfigNode[];
}

export interface ConfigMap {
  readonly kind: "map";
  readonly place: Place;
  /** In the order of the file; no key twice. A Map, so that "__proto__" is a key like any other. */
  readonly entries: ReadonlyMap<string, ConfigEntry>;
}

export interface ConfigEntry {
  readonly key: string;
  readonly keyPlace: Place;
  readonly value: ConfigNode;
}

/** The value at a dotted path of keys, or undefined when there is none or it is null. */
export function nodeAt(root: ConfigMap, path: string): ConfigNode | undefined {
  let node: ConfigNode = root;
  for (const key of path.split(".")) {
    const entry: ConfigEntry | undefined = node.kind === "map" ? node.entries.get(key) : undefined;
    if (!entry) return undefined;
    node = entry.value;
  }
  return node.kind === "null" ? undefined : node;
}

/** "config.yml:18", for messages that name a line and no column. */
export function formatPlace(place: Place): string {
  return `${place.file}:${place.line}`;
}
