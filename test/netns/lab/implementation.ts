import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CertificateTool, residentTool, startedTool } from "./certificate-tool.ts";
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

/** What the lab asks of the kernel and no ordinary program does (native/lab). */
export const LAB_TOOL: string = join(PROJECT, "native/target/release/lacis-lab");

export interface LacisBuild extends Implementation {
  /** The command of a command line of `lacis`, and of `lacis-cert`. */
  cli(...args: readonly string[]): [string, ...string[]];
  cert(...args: readonly string[]): [string, ...string[]];
}

/** Ours, as built by `npm run build`, and in a test also bundled as in a package (test/bundled.mjs). */
export const LACIS: LacisBuild = lacisAt(PROJECT, "lacis", process.env["LACIS_BUNDLED"]);

/** Ours, as built in another checkout: what `scripts/build-commit` prints. `compiled`: where its programs lie. */
export function lacisAt(project: string, name: string, compiled: string = join(project, "dist")): LacisBuild {
  const command =
    (program: string) =>
    (...args: readonly string[]): [string, ...string[]] => [process.execPath, join(compiled, program), ...args];
  const cli = command("src/cli/main.js");
  return {
    name,
    cli,
    cert: command("certs/cli/main.js"),
    daemon: (configPath) => cli("run", "--config", configPath),
    certificates: residentTool(`${name}-cert`, join(project, "dist/certs/cli/tool.js")),
  };
}

/** The build of another commit, made if need be; the reason in one sentence where it cannot be had. */
export async function buildOf(commit: string): Promise<LacisBuild | string> {
  const built = await run(join(PROJECT, "scripts/build-commit"), [commit], { timeoutMs: 300_000 });
  if (built.status === 0) return lacisAt(built.stdout.trim(), `lacis ${commit.slice(0, 7)}`);
  if (built.status === 3) return built.stderr.trim();
  throw new Error(`scripts/build-commit ${commit} failed: ${built.stderr.slice(-2_000)}`);
}

/**
 * A released Nebula that `scripts/fetch-peers` has put into the cache. Undefined when it is not there, so that tests can be
 * skipped by name.
 */
export async function findNebula(release: "1.6" | "1.11"): Promise<Implementation | undefined> {
  const program = findNebulaProgram(release);
  if (program === undefined) return undefined;
  const version = await nebulaVersion(program);
  return {
    name: `nebula ${version}`,
    daemon: (configPath) => [program, "-config", configPath],
    certificates: startedTool(`nebula-cert ${version}`, `${program}-cert`, release !== "1.6"),
  };
}

/** The program of such a release alone. */
export function findNebulaProgram(release: "1.6" | "1.11"): string | undefined {
  const program = join(peersDirectory(), `nebula-${release}`, "nebula");
  return existsSync(program) ? program : undefined;
}

/** What a Nebula says that it is. */
export async function nebulaVersion(program: string): Promise<string> {
  return (await run(program, ["-version"])).stdout.trim().replace(/^Version: /, "");
}

/** Where `scripts/fetch-peers` puts what others make. */
export function peersDirectory(): string {
  return (
    process.env["LACIS_PEERS"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "lacis", "peers")
  );
}

function projectRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, "package.json"))) directory = dirname(directory);
  return directory;
}
