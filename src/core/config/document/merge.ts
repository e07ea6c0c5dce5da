import type { ConfigDocument, ConfigEntry, ConfigMap, ConfigNode } from "./document.ts";
import { formatPlace } from "./document.ts";
import type { Findings } from "./findings.ts";
import { showKey } from "./show.ts";

/**
 * Merges the files of a directory the way Nebula does: maps key by key, a later scalar replaces an earlier one, and a later file's list
 * items stand before those of earlier files. Unlike there, a key that is a list here and a map there is an error.
 */
export function mergeFiles(files: readonly { name: string; root: ConfigMap }[], findings: Findings): ConfigDocument {
  const [first, ...rest] = files;
  const start: ConfigMap = first?.root ?? { kind: "map", place: { file: "", line: 1, column: 1 }, entries: new Map() };
  return {
    root: rest.reduce<ConfigMap>((merged, { root }) => mergeMaps(merged, root, "", findings), start),
    files: files.map(({ name }) => name),
  };
}

function mergeMaps(earlier: ConfigMap, later: ConfigMap, path: string, findings: Findings): ConfigMap {
  const entries = new Map(earlier.entries);
  for (const [key, entry] of later.entries) {
    const before = entries.get(key);
    entries.set(key, before ? mergeEntries(before, entry, path, findings) : entry);
  }
  return { kind: "map", place: earlier.place, entries };
}

function mergeEntries(before: ConfigEntry, after: ConfigEntry, parent: string, findings: Findings): ConfigEntry {
  if (after.value.kind === "null") return before;
  const path = parent === "" ? showKey(after.key) : `${parent}.${showKey(after.key)}`;
  return { ...after, value: mergeValues(before.value, after.value, path, findings) };
}

function mergeValues(before: ConfigNode, after: ConfigNode, path: string, findings: Findings): ConfigNode {
  if (before.kind === "map" && after.kind === "map") return mergeMaps(before, after, path, findings);
  if (before.kind === "list" && after.kind === "list") return { ...after, items: [...after.items, ...before.items] };
  if (before.kind !== "null" && before.kind !== after.kind) {
    findings.error({
      code: "CONFIG_CONFLICT",
      place: after.place,
      path,
      what: `a ${after.kind} here and a ${before.kind} in ${formatPlace(before.place)}`,
      todo: "write it the same way in both files",
    });
  }
  return after;
}
