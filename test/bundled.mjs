import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../scripts/bundle.mjs";

const DIST = fileURLToPath(new URL("../dist", import.meta.url));

/**
 * The labs run the programs as they are packaged: `LACIS_BUNDLED` is the folder (test/netns/lab/implementation.ts). Each start of one costs half the processor's time
 * of four hundred modules, and there are thousands of starts.
 */
export async function setup() {
  mkdirSync(join(DIST, "bundled"), { recursive: true });
  const folder = mkdtempSync(join(DIST, "bundled/"));
  // Also when Vitest ends the process by itself.
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  await bundle(folder);
  process.env["LACIS_BUNDLED"] = folder;
}
