import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../scripts/bundle.mjs";

const FOLDER = fileURLToPath(new URL("../dist/bundled/", import.meta.url));
/** Longer than any lab is used. */
const LEFT_BEHIND_MS = 6 * 3_600_000;

/**
 * The labs run the programs as they are packaged: `LACIS_BUNDLED` is the folder (test/netns/lab/implementation.ts). Each start of one costs half the processor's time
 * of four hundred modules, and there are thousands of starts.
 */
export async function setup() {
  mkdirSync(FOLDER, { recursive: true });
  // By labs that were killed.
  for (const left of readdirSync(FOLDER).map((name) => join(FOLDER, name)))
    if (Date.now() - (statSync(left, { throwIfNoEntry: false })?.mtimeMs ?? 0) > LEFT_BEHIND_MS)
      rmSync(left, { recursive: true, force: true });
  const folder = mkdtempSync(FOLDER);
  // Some labs run it as nobody in particular.
  chmodSync(folder, 0o755);
  // Also when Vitest ends the process by itself.
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  await bundle(folder);
  process.env["LACIS_BUNDLED"] = folder;
}
