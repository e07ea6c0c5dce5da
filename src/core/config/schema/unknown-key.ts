import { editDistance, nearest } from "../../base/suggest.ts";
import type { ConfigError } from "../document/config-error.ts";
import type { ConfigEntry, ConfigMap, ConfigNode } from "../document/document.ts";
import { show, showKey } from "../document/show.ts";
import { fits, hasForm } from "./fits.ts";
import type { KeySpec } from "./key-spec.ts";
import { FREE_PREFIX, findSpec, lastName, namesIn, parentOf, SCHEMA, sectionsNamed } from "./schema.ts";

/** Whether something stands under a key already: it is not to be written twice. */
export type IsGiven = (path: string) => boolean;

/**
 * What to say about a key that does not belong where it stands. In this order: one slip away from a name of this section ("host" for
 * "hosts"); a name of another section; similar to a name of this section; similar to any. Elsewhere only where such a value belongs.
 */
export function explainUnknownKey(
  entry: ConfigEntry,
  section: string,
  names: ReadonlySet<string>,
  isGiven: IsGiven,
): ConfigError {
  const { key, value } = entry;
  const strange = { path: pathIn(section, showKey(key)), place: entry.keyPlace, isGiven };
  const similar = nearest(key, names);
  const inSection = (name: string): ConfigError => didYouMean(strange, pathIn(section, name), name);
  const isOneSlip = similar !== undefined && editDistance(key, similar, 1) <= 1;
  if (isOneSlip && canTake(pathIn(section, similar), value)) return inSection(similar);
  const joined = partOfPlace(key, value, section, names);
  if (joined !== undefined) return { ...unknown(strange), meant: section, todo: joined };
  const home = misplacedKey(entry, strange.path, section, isGiven);
  if (home) return home;
  if (isOneSlip) return inSection(similar);
  if (similar !== undefined && canTake(pathIn(section, similar), value)) return inSection(similar);
  const elsewhere = nearestAnywhere(key, value, section === "" ? undefined : 1);
  if (elsewhere !== undefined) return didYouMean(strange, elsewhere, elsewhere);
  if (section !== "")
    return { ...unknown(strange), meant: section, todo: `keys of ${section} are ${[...names].join(", ")}` };
  return value.kind === "scalar" ? unknown(strange) : { ...unknown(strange), todo: HOME_OF_ANCHORS };
}

/** Sections in which address and port are one value. */
const LISTENING: ReadonlySet<string> = new Set(["stats", "sshd"]);

/** A port or an address alone, where both are one value. */
function partOfPlace(key: string, value: ConfigNode, section: string, names: ReadonlySet<string>): string | undefined {
  if (!LISTENING.has(section) || value.kind !== "scalar") return undefined;
  const place = names.has("host") && !names.has("enabled") ? "listen, or host with stats.type: graphite" : "listen";
  if (key === "port") return `it is the end of ${place}: ADDRESS:${value.text}`;
  if (!["host", "address", "addr", "bind"].includes(key)) return undefined;
  return `it is the beginning of ${place}: ${value.text}:PORT`;
}

/** A key of the schema that stands in a map of something else, or in another section than its own; undefined when it is none. */
export function misplacedKey(
  { key, keyPlace: place, value }: ConfigEntry,
  path: string,
  section: string,
  isGiven: IsGiven,
  what = "unknown here",
): ConfigError | undefined {
  const home = homeOf(key, value, section);
  if (home === undefined) return undefined;
  const error = { code: "CONFIG_MISPLACED_KEY", place, path, what, meant: home.path } as const;
  if (home.todo !== undefined) return { ...error, todo: home.todo };
  return { ...error, todo: wayHome(home, { key, section, isGiven: isGiven(home.path) }) };
}

const HOME_OF_ANCHORS = `remove it; if it only holds anchors for aliases, let its name begin with "${FREE_PREFIX}"`;

/** A name that is no key of a map such as a firewall rule. */
export function explainUnknownField(
  entry: ConfigEntry,
  path: string,
  fields: ReadonlyMap<string, unknown>,
  given: IsGiven,
): ConfigError {
  const strange = {
    path: `${path}.${showKey(entry.key)}`,
    place: entry.keyPlace,
    isGiven: (field: string): boolean => given(lastName(field)),
  };
  const similar = nearest(entry.key, fields.keys());
  if (similar !== undefined) return didYouMean(strange, `${path}.${similar}`, similar);
  const home = misplacedKey(entry, strange.path, path, () => false);
  return home ?? { ...unknown(strange), todo: `there are ${[...fields.keys()].join(", ")}` };
}

/** Whether a name that is no field may stand in a map for this one: it is most like it, or like none. */
export function isMisspelt(field: string, { entries }: ConfigMap, fields: ReadonlyMap<string, unknown>): boolean {
  return [...entries.keys()].some((key) => !fields.has(key) && (nearest(key, fields.keys()) ?? field) === field);
}

interface Strange {
  readonly path: string;
  readonly place: ConfigEntry["keyPlace"];
  readonly isGiven: IsGiven;
}

function unknown({ path, place }: Strange): ConfigError {
  return { code: "CONFIG_UNKNOWN_KEY", place, path, what: "unknown key" };
}

function didYouMean(strange: Strange, meant: string, name: string): ConfigError {
  const more = strange.isGiven(meant) ? ` that is given too: ${join(meant)}` : "";
  return { ...unknown(strange), meant, todo: `did you mean ${show(name)}?${more}` };
}

/** What to do with a second one. */
function join(path: string): string {
  return namesIn(path) ? "put all of it there" : "keep one of them";
}

interface Home {
  /** The key that counts today. */
  readonly path: string;
  /** Of a key that is gone: what there is instead. */
  readonly todo?: string;
}

/**
 * Where this very name is at home: as a key (of a section of the same name first, then what is implemented, then what lies least deep), as a whole path, or as a
 * section, of several of one name the one that has most of what stands there.
 */
function homeOf(key: string, value: ConfigNode, section: string): Home | undefined {
  const isNamesake = ({ path }: KeySpec): number =>
    Number(section !== "" && lastName(parentOf(path)) === lastName(section));
  const candidates = SCHEMA.filter((spec) => !spec.path.includes("[]") && lastName(spec.path) === key)
    .filter(({ type }) => hasForm(type, value))
    .toSorted(
      (a, b) =>
        isNamesake(b) - isNamesake(a) || rankOf(b, value) - rankOf(a, value) || depthOf(a.path) - depthOf(b.path),
    );
  const [spec] = candidates;
  if (spec) return homeOfKey(spec);
  const whole = findSpec(key);
  if (whole && hasForm(whole.type, value)) return homeOfKey(whole);
  if (value.kind !== "map") return undefined;
  const known = (names: ReadonlySet<string>): number =>
    [...value.entries.keys()].filter((name) => names.has(name)).length;
  const [fitting] = sectionsNamed(key).toSorted(
    ([a, inA], [b, inB]) => known(inB) - known(inA) || depthOf(a) - depthOf(b),
  );
  if (fitting) return { path: fitting[0] };
  return namesIn(key) ? { path: key } : undefined;
}

function homeOfKey({ path, state }: KeySpec): Home {
  if (state.kind === "alias") return { path: state.of };
  return state.kind === "removed" ? { path, todo: state.instead } : { path };
}

function depthOf(path: string): number {
  return path.split(".").length;
}

function rankOf({ state, type }: KeySpec, value: ConfigNode): number {
  return (state.kind === "implemented" ? 2 : 0) + (fits(type, value) ? 1 : 0);
}

function wayHome(
  { path }: Home,
  { key, section, isGiven }: { readonly key: string; readonly section: string; readonly isGiven: boolean },
): string {
  const [home, name] = [parentOf(path), lastName(path)];
  const renamed = isGiven ? `, which is given too: ${join(path)}` : "";
  if (home === section) return `write ${path}${renamed}`;
  const where = home === "" ? "at the top level" : `under ${home}:`;
  if (name !== key) return `write ${name}: ${where}${renamed}`;
  const way = home === "" ? "it belongs to the top level, without indentation" : `${key} belongs under ${home}:`;
  return isGiven ? `${way}${home === "" ? "," : ""} where it is given too: ${join(path)}` : way;
}

/** Whether a key, or a section, may hold what stands there. */
export function canTake(path: string, value: ConfigNode): boolean {
  const spec = findSpec(path);
  return (spec !== undefined && fits(spec.type, value)) || (namesIn(path) !== undefined && value.kind === "map");
}

/** The key with the name most like this one of all that could have this value. */
function nearestAnywhere(key: string, value: ConfigNode, limit: number | undefined): string | undefined {
  const paths = new Map(
    SCHEMA.filter((spec) => !spec.path.includes("[]") && spec.state.kind === "implemented")
      .filter(({ path }) => canTake(path, value))
      .map((spec) => [lastName(spec.path), spec.path]),
  );
  const name = nearest(key, paths.keys(), limit);
  // A beginning in common says nothing across sections.
  if (name !== undefined && limit !== undefined && editDistance(key, name, limit) > limit) return undefined;
  return name === undefined ? undefined : paths.get(name);
}

function pathIn(section: string, name: string): string {
  return section === "" ? name : `${section}.${name}`;
}
