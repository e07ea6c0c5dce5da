import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Folder of Lacis' own package.json: sources and compiled files lie at different depths below it. */
export function packageRoot(): string {
  root ??= findRoot(dirname(fileURLToPath(import.meta.url)));
  return root;
}

/** Version in package.json when it was first asked for, for example "0.1.0": an upgrade of the files does not change what runs. */
export function packageVersion(): string {
  version ??= readVersion();
  return version;
}

/** The first of these places in Lacis' own folder where something lies. */
export function foundInPackage(places: readonly string[]): string | undefined {
  return places.map((place) => join(packageRoot(), place)).find((place) => existsSync(place));
}

let root: string | undefined;
let version: string | undefined;

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8"));
  const said = typeof manifest === "object" && manifest !== null && "version" in manifest ? manifest.version : "";
  return typeof said === "string" ? said : "";
}

function findRoot(from: string): string {
  let folder = from;
  while (!existsSync(join(folder, "package.json"))) {
    const parent = dirname(folder);
    if (parent === folder) return from;
    folder = parent;
  }
  return folder;
}
