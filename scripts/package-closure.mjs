import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The installed packages that run, as folders below the project ("node_modules/pino"): those with the given names, and of their dependencies those that one of
 * their own files names. What only builds or fetches a binary while npm installs is named by none.
 */
export function runningPackages(project, names) {
  const { packages } = JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8"));
  const found = new Set();
  const open = names.map((name) => ({ from: "", name }));
  for (let next = open.pop(); next; next = open.pop()) {
    const place = placeOf(next, packages);
    if (place === undefined || found.has(place)) continue;
    if (!existsSync(join(project, place))) {
      if (packages[place].optional) continue;
      throw new Error(`${place} is not installed: npm ci`);
    }
    found.add(place);
    const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = packages[place];
    const named = namesIn(join(project, place));
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }))
      if (named.has(name)) open.push({ from: place, name });
  }
  return [...found].sort();
}

/** Folders of a package for those that work on it, for browsers, and of what a binary was compiled from. */
const ASIDE =
  /^(tests?|__tests__|docs?|bench(marks?)?|examples?|browser|coverage|deps|node_modules|build\/(esm|esnext|deps))(\/|$)/;
/** Types, maps, texts, sources of binaries and what else compiling needs and leaves. */
const NO_PROGRAM =
  /(\.(test\.[cm]?js|[cm]?ts|map|md|markdown|gypi?|c|cc|cpp|h|hpp|mk|o|a|d)|(^|\/)(\.[^/]+|Makefile|tsconfig[^/]*|buildcheck\.js|install\.js|test\.js))$/i;
const BUILT = /(^|\/)build\/Release\//;

/** Whether a file or folder of a package is for those that run it, by its path in the package ("lib/index.js"). Licences are for everybody. */
export function isProgram(path) {
  if (/(^|\/)(licen[cs]e|notice|copying)[^/]*$/i.test(path)) return true;
  if (BUILT.test(path))
    return path.endsWith(".node") && !path.includes("/obj.target/") && !path.endsWith("test_extension.node");
  return !ASIDE.test(path) && !NO_PROGRAM.test(path);
}

/** Where Node.js would find it. */
function placeOf({ from, name }, packages) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("node_modules/") - 1))) {
    const place = folder === "" ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (packages[place] !== undefined) return place;
    if (folder === "") return undefined;
  }
}

/** What the files of a package import or require. */
function namesIn(folder) {
  const found = new Set();
  for (const path of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!/\.[cm]?js$/.test(path) || !isProgram(path)) continue;
    const text = readFileSync(join(folder, path), "utf8");
    for (const [, name] of text.matchAll(/(?:\brequire\s*\(|\bimport\s*\(|\bfrom|\bimport)\s*["']([^"'./][^"']*)["']/g))
      found.add(packageOf(name));
  }
  return found;
}

function packageOf(name) {
  return name
    .split("/")
    .slice(0, name.startsWith("@") ? 2 : 1)
    .join("/");
}
