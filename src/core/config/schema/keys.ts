import { type ConfigEntry, type ConfigMap, type ConfigNode, nodeAt, type Place } from "../document/document.ts";
import type { Findings } from "../document/findings.ts";
import { showKind } from "../document/show.ts";
import { isHarmless } from "./harmless.ts";
import type { KeySpec } from "./key-spec.ts";
import { FREE_PREFIX, findSpec, namesIn, specOf } from "./schema.ts";
import { canTake, explainUnknownKey } from "./unknown-key.ts";

/** A value that was found under a key of the schema. Never null: a key without a value counts as absent. */
export interface FoundValue {
  readonly spec: KeySpec;
  readonly keyPlace: Place;
  readonly node: ConfigNode;
}

/**
 * Every key that was given, by its path, older spellings under their present one. Unknown, misplaced and removed keys are reported;
 * they are not in the result.
 */
export function collectKeys(root: ConfigMap, findings: Findings): ReadonlyMap<string, FoundValue> {
  const { given } = new Collection(root, findings);
  const accepted = new Map<string, FoundValue>();
  for (const found of given.values()) acceptByState(found, given, accepted, findings);
  return accepted;
}

/** What stands in a configuration, whatever its state. */
class Collection {
  readonly given = new Map<string, FoundValue>();
  readonly #root: ConfigMap;
  readonly #findings: Findings;

  constructor(root: ConfigMap, findings: Findings) {
    this.#root = root;
    this.#findings = findings;
    this.#addSection(root, "");
  }

  /** `section`: its path, "" for the top level. */
  #addSection(map: ConfigMap, section: string): void {
    const isGiven = (path: string): boolean => nodeAt(this.#root, path) !== undefined;
    const names = namesIn(section) ?? new Set();
    for (const entry of map.entries.values()) {
      if (section === "" && entry.key.startsWith(FREE_PREFIX)) continue;
      if (names.has(entry.key)) this.#add(entry, section === "" ? entry.key : `${section}.${entry.key}`);
      else if (this.#findings.full) this.#findings.error(TOO_MANY);
      else {
        const error = explainUnknownKey(entry, section, names, isGiven);
        this.#findings.error(error);
        if (error.meant !== undefined && error.meant !== section) this.#addAsMeant(entry, error.meant);
      }
    }
  }

  /** What stands under a mistaken name is read as what was probably meant, so that nothing only follows from it, and what else is wrong is said at once. */
  #addAsMeant(entry: ConfigEntry, meant: string): void {
    if (this.given.has(meant) || nodeAt(this.#root, meant)) return;
    if (findSpec(meant)?.state.kind !== "removed" && canTake(meant, entry.value)) this.#add(entry, meant);
  }

  #add(entry: ConfigEntry, path: string): void {
    const node = entry.value;
    if (node.kind === "null") return;
    const spec = findSpec(path);
    if (namesIn(path) && (node.kind === "map" || !spec)) {
      if (node.kind === "map") this.#addSection(node, path);
      else this.#findings.error({ ...notASection(node, path), place: node.place, path });
    } else if (spec) {
      this.given.set(path, { spec, keyPlace: entry.keyPlace, node });
    }
  }
}

function notASection(node: ConfigNode, path: string): { code: "CONFIG_SHAPE"; what: string; todo: string } {
  return {
    code: "CONFIG_SHAPE",
    what: `${showKind(node)} where a section with keys of its own belongs`,
    todo: `write the keys below it, indented: ${[...(namesIn(path) ?? [])].slice(0, 3).join(", ")}, ...`,
  };
}

function acceptByState(
  found: FoundValue,
  given: ReadonlyMap<string, FoundValue>,
  accepted: Map<string, FoundValue>,
  findings: Findings,
): void {
  const { spec, keyPlace: place } = found;
  const { path, state } = spec;
  switch (state.kind) {
    case "implemented":
      accepted.set(path, found);
      return;
    case "ignored":
      if (isHarmless(spec, found.node)) return;
      findings.warn({ code: "CONFIG_IGNORED_KEY", place, path, what: "has no effect here", why: state.why });
      return;
    case "removed": {
      const note = {
        code: "CONFIG_REMOVED_KEY",
        place,
        path,
        what: "a key of older releases",
        todo: state.instead,
      } as const;
      if (state.refused) findings.error(note);
      else findings.warn(note);
      return;
    }
    case "alias":
      acceptAlias(found, state.of, given, accepted, findings);
  }
}

function acceptAlias(
  found: FoundValue,
  current: string,
  given: ReadonlyMap<string, FoundValue>,
  accepted: Map<string, FoundValue>,
  findings: Findings,
): void {
  const { path } = found.spec;
  const place = found.keyPlace;
  const other = given.get(current);
  if (other) {
    const what = `given together with ${current}, of which it is an older spelling`;
    findings.error({ code: "CONFIG_CONFLICT", place, path, what, todo: "keep one of them" });
    return;
  }
  findings.warn({ code: "CONFIG_OLD_SPELLING", place, path, what: "an older spelling", todo: `write ${current}` });
  accepted.set(current, { ...found, spec: specOf(current) });
}

const TOO_MANY = { code: "CONFIG_UNKNOWN_KEY", place: undefined, path: "", what: "unknown key" } as const;
