import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { LACIS, type LacisBuild, lacisAt } from "../test/netns/lab/implementation.ts";

/** Ours and, with `--against FOLDER`, the build in another checkout (`scripts/build-commit COMMIT` makes one and prints its folder). */
export function pairedBuilds(): readonly [LacisBuild, ...LacisBuild[]] {
  const folder = option("--against");
  if (folder === undefined) return [LACIS];
  if (existsSync(join(folder, "dist/src/cli/main.js"))) return [LACIS, lacisAt(resolve(folder), "lacis before")];
  console.error(`${folder} holds no build - make one: scripts/build-commit COMMIT`);
  process.exit(3);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value that follows an option on the command line. */
export function option(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at === -1 ? undefined : process.argv[at + 1];
}
