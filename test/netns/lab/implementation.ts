import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CertificateTool } from "./certificates.ts";
import { run } from "./command.ts";

/** A program that can be a host of a test mesh. */
export interface Implementation {
  readonly name: string;
  /** The command that runs a host in the foreground. */
  daemon(configPath: string): readonly [string, ...string[]];
  readonly certificates: CertificateTool;
}

/** The root of the project, both from the sources and from what was built of them. */
export const PROJECT: string = projectRoot();

/** Ours, as built by `npm run build`. */
export const LACIS: Implementation & { cli(...args: readonly string[]): [string, ...string[]] } = {
  name: "lacis",
  cli: (...args) => [process.execPath, join(PROJECT, "dist/src/cli/main.js"), ...args],
  daemon: (configPath) => LACIS.cli("run", "--config", configPath),
  certificates: {
    name: "lacis-cert",
    command: [process.execPath, join(PROJECT, "dist/certs/cli/main.js")],
    knowsVersions: true,
  },
};

/**
 * A released Nebula that `scripts/fetch-peers` has put into the cache. Undefined when it is not there, so that tests can be
 * skipped by name.
 */
export async function findNebula(release: "1.6" | "1.11"): Promise<Implementation | undefined> {
  const directory = join(process.env["LACIS_PEERS"] ?? defaultPeers(), `nebula-${release}`);
  const program = join(directory, "nebula");
  if (!existsSync(program)) return undefined;
  const version = (await run(program, ["-version"])).stdout.trim().replace(/^Version: /, "");
  return {
    name: `nebula ${version}`,
    daemon: (configPath) => [program, "-config", configPath],
    certificates: {
      name: `nebula-cert ${version}`,
      command: [join(directory, "nebula-cert")],
      knowsVersions: release !== "1.6",
    },
  };
}

function defaultPeers(): string {
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "lacis", "peers");
}

function projectRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, "package.json"))) directory = dirname(directory);
  return directory;
}
