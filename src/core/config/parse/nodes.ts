import type { ConfigError } from "../document/config-error.ts";
import type { ConfigEntry, ConfigNode } from "../document/document.ts";
import type { Findings } from "../document/findings.ts";
import { show, showKind } from "../document/show.ts";
import { booleanComplaint } from "./complaints.ts";
import { parseBoolean, parseInteger } from "./scalar.ts";

// Nodes of structures whose keys are values themselves, so that the schema cannot name them.

/** The entries of a map; none where nothing stands. Anything else is reported. */
export function entriesOf(
  node: ConfigNode | undefined,
  path: string,
  todo: string,
  findings: Findings,
): readonly ConfigEntry[] {
  if (node?.kind === "map") return [...node.entries.values()];
  if (node && node.kind !== "null")
    findings.error({
      code: "CONFIG_TYPE",
      place: node.place,
      path,
      what: `${showKind(node)} where a map belongs`,
      todo,
    });
  return [];
}

/** The items of a list; anything else is reported. */
export function itemsOf(node: ConfigNode, path: string, todo: string, findings: Findings): readonly ConfigNode[] {
  if (node.kind === "list") return node.items;
  const what = `${showKind(node)} where a list belongs`;
  findings.error({ code: "CONFIG_TYPE", place: node.place, path, what, todo });
  return [];
}

export function booleanOf(node: ConfigNode, path: string, findings: Findings): boolean | undefined {
  const value = node.kind === "scalar" ? parseBoolean(node.text) : undefined;
  if (value === undefined)
    findings.error({
      code: "CONFIG_TYPE",
      place: node.place,
      path,
      what: `${showKind(node)} ${node.kind === "scalar" ? booleanComplaint(node.text) : "is not true or false"}`,
    });
  return value;
}

export function portOf(node: ConfigNode, path: string, findings: Findings): number | undefined {
  const value = node.kind === "scalar" ? parseInteger(node.text) : undefined;
  if (value !== undefined && value >= 0 && value <= 65_535) return value;
  findings.error({ code: "CONFIG_TYPE", place: node.place, path, what: `${showKind(node)} is not a port` });
  return undefined;
}

/** About a key that is a value. */
export function keyError({ key, keyPlace }: ConfigEntry, path: string, complaint: string): ConfigError {
  return { code: "CONFIG_VALUE", place: keyPlace, path, what: `${show(key)} ${complaint}` };
}
