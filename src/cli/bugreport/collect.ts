import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { networkInterfaces, release } from "node:os";
import { askDaemon } from "../../admin/client.ts";
import { withoutDaemon } from "../../admin/doctor/without-daemon.ts";
import type { AdminRequest } from "../../admin/protocol.ts";
import type { StatusReport } from "../../admin/status-report.ts";
import type { MetricsPage } from "../../admin/verbs.ts";
import { printableJson } from "../../core/base/printable.ts";
import { CONTRACT_VERSIONS } from "../../core/dataplane/contract.ts";
import { packageVersion } from "../../runtime/package-root.ts";
import { stateDirectoryAt } from "../../runtime/state/state-directory.ts";
import { readStateFile } from "../../runtime/state/trust.ts";
import { check } from "../check-config.ts";
import { adminSocket, type TargetOptions } from "../target.ts";
import { pseudonymsOf } from "./pseudonyms-of.ts";
import { scrubbed } from "./scrub.ts";
import type { ArchivedFile } from "./tar.ts";

/** `lacis doctor` takes nine seconds at most. */
const TIMEOUT_MS = 15_000;
const LOG_LINES = "2000";
/** By whole paths: a program of root is never found through a search path. */
const IP = ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip"];
const SHOWN: Readonly<Record<string, readonly [programs: readonly string[], args: readonly string[]]>> = {
  "log.txt": [
    ["/usr/bin/journalctl", "/bin/journalctl"],
    ["--unit=lacis.service", `--lines=${LOG_LINES}`, "--no-pager", "--output=short-iso"],
  ],
  "routes-v4.txt": [IP, ["-4", "route", "show", "table", "all"]],
  "routes-v6.txt": [IP, ["-6", "route", "show", "table", "all"]],
};

const README = `This is what "lacis bugreport" found on one host. It was sent nowhere: whoever passes it on does so knowingly.

version.json         programs and system
status.json          lacis status --json
rules.json           lacis rules --json
netcheck.json        lacis netcheck --json
metrics.prom         lacis metrics
doctor.json          lacis doctor --json
configuration.json   every key that has an effect, with its value, and what is wrong with it
interfaces.json      this machine's addresses
routes-*.txt         ip route show table all
log.txt              the last ${LOG_LINES} lines of the unit lacis in the system's journal
dataplane.log        what the data plane wrote

Left out by its making: private keys, whole certificates, what flows carried and between whom. Whatever else looked like a key, a password or a token was
taken out as well. A part that could not be had says why.
`;

/** Everything that helps to understand what is wrong, without secrets; with `anonymise` without names and addresses as well. */
export async function collect(
  options: TargetOptions & { readonly anonymise?: boolean },
): Promise<readonly ArchivedFile[]> {
  const status = await asked(options, { verb: "status" });
  const report = status as Partial<StatusReport>;
  const config = options.config ?? report.daemon?.config;
  const files: Record<string, string> = {
    "README.txt": README,
    "version.json": json(versions()),
    "status.json": json(status),
    "rules.json": json(await asked(options, { verb: "rules" })),
    "netcheck.json": json(await asked(options, { verb: "netcheck" })),
    "metrics.prom": await measured(options),
    "doctor.json": json(await doctor(options, config)),
    "configuration.json": json(configuration(config)),
    "interfaces.json": json(networkInterfaces()),
    "dataplane.log": dataPlaneLog(report.daemon?.stateDirectory),
  };
  for (const [name, [programs, args]] of Object.entries(SHOWN)) files[name] = shown(programs, args);
  const hide = options.anonymise ? pseudonymsOf(report) : undefined;
  return Object.entries(files).map(([name, text]) => {
    const clean = scrubbed(text);
    return { name, text: hide && name !== "README.txt" ? hide.hide(clean) : clean };
  });
}

/** The answer, or why there is none: a report about a host that does not run is a report, too. */
async function asked(options: TargetOptions, request: AdminRequest): Promise<unknown> {
  try {
    return await askDaemon(adminSocket(options), request, TIMEOUT_MS);
  } catch (error) {
    return { failed: messageOf(error) };
  }
}

async function measured(options: TargetOptions): Promise<string> {
  const page = (await asked(options, { verb: "metrics" })) as Partial<MetricsPage>;
  return page.text ?? json(page);
}

async function doctor(options: TargetOptions, config: string | undefined): Promise<unknown> {
  try {
    return await askDaemon(adminSocket(options), { verb: "doctor" }, TIMEOUT_MS);
  } catch {
    return withoutDaemon(undefined, config).catch((error: unknown) => ({ failed: messageOf(error) }));
  }
}

function versions(): object {
  const node = process.versions.node;
  const system = { kernel: release(), platform: process.platform, architecture: process.arch };
  return { lacis: packageVersion(), contract: CONTRACT_VERSIONS.newest, node, ...system };
}

/** What the schema knows, secrets left out; never the text of the files. */
function configuration(path: string | undefined): unknown {
  if (path === undefined) return { failed: "no daemon says which configuration it runs: say it with --config" };
  try {
    return check(path, { effective: true }).report;
  } catch (error) {
    return { failed: messageOf(error) };
  }
}

function dataPlaneLog(stateDirectory: string | undefined): string {
  if (stateDirectory === undefined) return "not known where: no daemon answers\n";
  const log = readStateFile(stateDirectoryAt(stateDirectory).dataPlaneLog);
  return log.ok ? log.value : `${log.reason}\n`;
}

function shown(programs: readonly string[], args: readonly string[]): string {
  const program = programs.find((path) => existsSync(path));
  if (program === undefined) return `there is no ${programs[0]}\n`;
  const { stdout, stderr, error } = spawnSync(program, args, {
    encoding: "utf8",
    timeout: TIMEOUT_MS,
    maxBuffer: 16 << 20,
  });
  return error ? `${error.message}\n` : stdout || stderr;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function json(value: unknown): string {
  return `${printableJson(value)}\n`;
}
