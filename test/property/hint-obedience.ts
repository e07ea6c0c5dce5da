import type { ConfigError } from "../../src/core/config/document/config-error.ts";
import { showKey } from "../../src/core/config/document/show.ts";
import { findSpec, namesIn } from "../../src/core/config/schema/schema.ts";
import { rename, type Tree } from "./hint-mutations.ts";

// Does what a finding says is to be done, as somebody would who reads only the sentence. False: it says nothing that can be done so.

/** Changes the tree as the finding's hint says. */
export function obey(root: Map<string, Tree>, { path, what, todo = "" }: ConfigError): boolean {
  const spot = spotAt(root, path);
  const hint = [what, todo].join(" - ");
  return WAYS.some((way) => way({ root, spot, path, what, hint }));
}

interface Task {
  readonly root: Map<string, Tree>;
  /** Where the finding points; undefined for what is missing. */
  readonly spot: Spot | undefined;
  readonly path: string;
  readonly what: string;
  readonly hint: string;
}

interface Spot {
  readonly parent: Map<string, Tree> | Tree[];
  readonly key: string;
  readonly value: Tree;
}

type Way = (task: Task) => boolean;

const WAYS: readonly Way[] = [
  ({ spot, hint }) =>
    / (?:keep one of them|give it one or remove the line|remove this one)$/.test(hint) && remove(spot),

  ({ root, spot, path, hint }) => {
    const meant = / did you mean "([^"]+)"\?( that is given too: put all of it there)?/.exec(hint);
    if (!meant) return false;
    const [, name = "", joined] = meant;
    const target = name.includes(".") && findSpec(name) ? name : pathBeside(path, name);
    return moveTo(root, spot, target, joined !== undefined);
  },

  ({ root, spot, hint }) => {
    const way = / (?:(\S+) belongs under|write (\S+): under) (\S+):(?: where.*)?$/.exec(hint);
    return way !== null && moveTo(root, spot, `${way[3]}.${way[1] ?? way[2]}`, hint.includes("put all of it there"));
  },
  ({ root, spot, hint }) =>
    hint.includes("it belongs to the top level") &&
    spot !== undefined &&
    moveTo(root, spot, spot.key, hint.includes("put all of it there")),
  ({ root, spot, hint }) => {
    const way = / write (\w+): at the top level/.exec(hint) ?? / write ([a-z_.]+)$/.exec(hint);
    const target = way?.[1] ?? "";
    return findSpec(target) !== undefined && isKeyFinding(hint) && moveTo(root, spot, target, false);
  },

  ({ spot, what, hint }) => {
    // About a selector of a rule: "host "x" means only … - write cidr: 10.0.0.0/8 for the address".
    const field = /^(host|group) "/.exec(what)?.[1];
    const way = / write (host|group|groups|cidr): (\[[^\]]*\]|\S+)/.exec(hint);
    if (field === undefined || !way || !(spot?.value instanceof Map)) return false;
    const rule = spot.value;
    rule.delete(field);
    if (field === "group") rule.delete("groups");
    rule.set(way[1] ?? "", treeIn(way[2] ?? ""));
    return true;
  },

  ({ spot, what, hint }) => {
    const way =
      /(?: - | this one address )write (?!for instance|it as|them|each|the |a |"|\w+: )(\[.*?\]|\S+?)(?: or .*| if .*| for .*|, or .*)?$/.exec(
        hint,
      );
    if (!way || !spot) return false;
    const value = treeIn(way[1] ?? "");
    const isAboutKey = !Array.isArray(spot.parent) && what.startsWith(`"${spot.key}"`) && spot.value !== spot.key;
    if (!isAboutKey) return put(spot, value);
    if (typeof value !== "string" || Array.isArray(spot.parent)) return false;
    rename(spot.parent, spot.key, value);
    return true;
  },

  ({ root, path, hint }) => {
    const rule = /add (?:a rule such as )?(\{port: any, proto: (\w+), host: any\})/.exec(hint);
    if (!rule) return false;
    const section = sectionAt(root, parentOf(path));
    section?.set(lastOf(path), [new Map(Object.entries({ port: "any", proto: rule[2] ?? "any", host: "any" }))]);
    return section !== undefined;
  },
  ({ root, path, hint }) => {
    const field =
      /is missing - add (proto|port): any/.exec(hint)?.[1] ?? (hint.includes("add one of host, ") ? "host" : undefined);
    const rule = field === undefined ? undefined : spotAt(root, path.replace(/\.(?:proto|port)$/, ""))?.value;
    if (field === undefined || !(rule instanceof Map)) return false;
    rule.set(field, "any");
    return true;
  },
  ({ root, hint }) => {
    const host = /add static_host_map: \{"([^"]+)": \["ADDRESS:PORT"\]\}/.exec(hint)?.[1];
    if (host === undefined) return false;
    const map = root.get("static_host_map");
    if (map instanceof Map) map.set(host, ["192.0.2.77:4242"]);
    else root.set("static_host_map", new Map([[host, ["192.0.2.77:4242"]]]));
    return true;
  },
  ({ spot, hint }) => {
    const range = /it may be (-?\d+\w*)(?: to |$)/.exec(hint)?.[1];
    return range !== undefined && spot !== undefined && put(spot, range);
  },
  ({ spot, hint }) => /(?: - |, or )remove it(?: here)?$/.test(hint) && remove(spot),
];

function isKeyFinding(hint: string): boolean {
  return /unknown|older spelling|older releases|is not an overlay address/.test(hint);
}

/** "x" or ["x", "y"] or [x, y]. */
function treeIn(text: string): Tree {
  if (!text.startsWith("[") || !text.endsWith("]") || /^\[[0-9a-f:]+\]$/i.test(text)) return text;
  return text
    .slice(1, -1)
    .split(",")
    .map((item) => item.trim().replace(/^"(.*)"$/, "$1"));
}

function put({ parent, key }: Spot, value: Tree): boolean {
  if (Array.isArray(parent)) parent.splice(Number(key), 1, value);
  else parent.set(key, value);
  return true;
}

function remove(spot: Spot | undefined): boolean {
  if (!spot) return false;
  if (Array.isArray(spot.parent)) spot.parent.splice(Number(spot.key), 1);
  else spot.parent.delete(spot.key);
  return true;
}

function moveTo(root: Map<string, Tree>, spot: Spot | undefined, target: string, joined: boolean): boolean {
  if (!spot || Array.isArray(spot.parent)) return false;
  // "punchy: true" is punchy.punch.
  if (spot.parent === root && parentOf(target) === spot.key && !(spot.value instanceof Map)) root.delete(spot.key);
  const home = sectionAt(root, parentOf(target), true);
  if (!home) return false;
  const name = lastOf(target);
  const before = home.get(name);
  if (home === spot.parent && before === undefined) {
    rename(home, spot.key, name);
    return true;
  }
  // Who writes a key twice has two, of which YAML takes none: as good as not obeyed.
  if (before !== undefined && !joined) throw new Error(`${target} stands there already`);
  remove(spot);
  if (joined && before instanceof Map && spot.value instanceof Map)
    for (const [key, value] of spot.value) before.set(key, before.get(key) ?? value);
  else home.set(name, spot.value);
  return true;
}

/** The map at a path of sections or list items. */
function sectionAt(root: Map<string, Tree>, path: string, make = false): Map<string, Tree> | undefined {
  if (path === "") return root;
  const found = spotAt(root, path)?.value;
  if (found instanceof Map) return found;
  if (!make || found !== undefined || !namesIn(path)) return undefined;
  const section = new Map<string, Tree>();
  sectionAt(root, parentOf(path), true)?.set(lastOf(path), section);
  return section;
}

/** What a finding's path points at. Keys may hold dots. */
function spotAt(root: Map<string, Tree>, path: string): Spot | undefined {
  let parent: Tree = root;
  let rest = path;
  for (;;) {
    const item: RegExpExecArray | null = /^\[(\d+)\]\.?/.exec(rest);
    const key: string | undefined =
      parent instanceof Map
        ? [...parent.keys()].find((each) => isFirst(each, rest))
        : Array.isArray(parent)
          ? item?.[1]
          : undefined;
    if (key === undefined || typeof parent === "string") return undefined;
    const value: Tree | undefined = parent instanceof Map ? parent.get(key) : parent[Number(key)];
    if (value === undefined) return undefined;
    rest = item ? rest.slice(item[0].length) : rest.slice(lengthOf(key, rest)).replace(/^\./, "");
    if (rest === "") return { parent, key, value };
    parent = value;
  }
}

function isFirst(key: string, path: string): boolean {
  return [key, showKey(key)].some(
    (shown) => shown !== "" && path.startsWith(shown) && ["", ".", "["].includes(path.charAt(shown.length)),
  );
}

function lengthOf(key: string, path: string): number {
  return path.startsWith(key) ? key.length : showKey(key).length;
}

function pathBeside(path: string, name: string): string {
  const parent = parentOf(path);
  return parent === "" ? name : `${parent}.${name}`;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("."), 0));
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}
