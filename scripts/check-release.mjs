#!/usr/bin/env node
/**
 * Refuses a data plane that no release may contain: `node scripts/check-release.mjs PROGRAM`. The program is asked, and its bytes are searched, so that
 * neither one that lies about itself nor one for another machine comes through.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** What a build without encryption calls itself (native/engine, aead.rs). */
const NULL_CIPHER = "NOTHING IS ENCRYPTED";

const [program] = process.argv.slice(2);
const complaint = program === undefined ? "which program? give its path" : complaintAbout(program);
if (complaint === undefined) {
  process.stdout.write(`${program} may be released\n`);
} else {
  process.stderr.write(`check-release: ${complaint}\n`);
  process.exitCode = 1;
}

function complaintAbout(path) {
  if (readFileSync(path).includes(NULL_CIPHER)) return `${path} encrypts nothing: build it with npm run build:native`;
  const { stdout, error } = spawnSync(path, ["--version", "--json"], { encoding: "utf8" });
  if (error) return `${path} does not run: ${error.message}`;
  try {
    if (JSON.parse(stdout).encrypts === true) return undefined;
  } catch {
    // What is no JSON says nothing, either.
  }
  return `${path} does not say that it encrypts`;
}
