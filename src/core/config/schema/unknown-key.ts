import type { ConfigError } from "../document/config-error.ts";
import type { ConfigEntry } from "../document/document.ts";
import { show, showKey } from "../document/show.ts";
import type { KeySpec } from "./key-spec.ts";
import { FREE_PREFIX, findSpec, lastName, namesIn, parentOf, SCHEMA } from "./schema.ts";
import { editDistance, nearest } from "./suggest.ts";

/**
 * What to say about a key that does not belong where it stands. In this order: one slip away from a name of this section ("host" for
 * "hosts"); a name of another section; similar to a name of this section; similar to any.
 */
export function explainUnknownKey(entry: ConfigEntry, section: string, names: ReadonlySet<string>): ConfigError {
  const { key } = entry;
  const path = section === "" ? showKey(key) : `${section}.${showKey(key)}`;
  const place = entry.keyPlace;
  const similar = nearest(key, names);
  if (similar !== undefined && editDistance(key, similar, 1) <= 1) return unknown(path, place, similar);
  const home = homeOf(key);
  if (home) return { code: "CONFIG_MISPLACED_KEY", place, path, what: "unknown here", todo: wayHome(home, key) };
  const meant = similar ?? nearestAnywhere(key);
  if (meant === undefined && section === "" && entry.value.kind !== "scalar")
    return { ...unknown(path, place, undefined), todo: HOME_OF_ANCHORS };
  if (meant !== undefined || section === "") return unknown(path, place, meant);
  return { ...unknown(path, place, undefined), todo: `keys of ${section} are ${[...names].join(", ")}` };
}

const HOME_OF_ANCHORS = `remove it; if it only holds anchors for aliases, let its name begin with "${FREE_PREFIX}"`;

/** A name that is no key of a map such as a firewall rule. */
export function explainUnknownField(entry: ConfigEntry, path: string, names: Iterable<string>): ConfigError {
  return unknown(`${path}.${showKey(entry.key)}`, entry.keyPlace, nearest(entry.key, names));
}

function unknown(path: string, place: ConfigEntry["keyPlace"], similar: string | undefined): ConfigError {
  const error = { code: "CONFIG_UNKNOWN_KEY", place, path, what: "unknown key" } as const;
  return similar === undefined ? error : { ...error, todo: `did you mean ${show(similar)}?` };
}

/** Where this very name is at home: as a key (what is implemented first, and what lies least deep), or as a whole path or section, which is no name. */
function homeOf(key: string): { section: string; name: string } | undefined {
  const depthOf = ({ path }: KeySpec): number => path.split(".").length;
  const candidates = SCHEMA.filter((spec) => !spec.path.includes("[]") && lastName(spec.path) === key).toSorted(
    (a, b) => depthOf(a) - depthOf(b),
  );
  const spec = candidates.find((candidate) => candidate.state.kind === "implemented") ?? candidates[0];
  if (spec) return { section: parentOf(spec.path), name: key };
  return findSpec(key) || namesIn(key) ? { section: parentOf(key), name: lastName(key) } : undefined;
}

function wayHome({ section, name }: { section: string; name: string }, key: string): string {
  if (section === "") return "it belongs to the top level, without indentation";
  return name === key ? `it belongs under ${section}:` : `write ${name}: under ${section}:`;
}

function nearestAnywhere(key: string): string | undefined {
  const paths = new Map(
    SCHEMA.filter((spec) => !spec.path.includes("[]")).map((spec) => [lastName(spec.path), spec.path]),
  );
  const name = nearest(key, paths.keys());
  return name === undefined ? undefined : paths.get(name);
}
