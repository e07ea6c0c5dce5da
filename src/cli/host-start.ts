import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { askDaemon } from "../admin/client.ts";
import type { PingReport } from "../admin/ping-report.ts";
import type { StatusReport } from "../admin/status-report.ts";
import type { Children } from "../enrol/children.ts";
import type { HostFiles } from "../enrol/host-files.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { packageRoot } from "../runtime/package-root.ts";
import { thisPlatform } from "../runtime/platform/this-platform.ts";
import { runningDaemons } from "../runtime/state/find-daemons.ts";
import { stateEnvironment } from "../runtime/state/state-directory.ts";

/** How a host that was set up is started: by whoever starts services here, by this process, or not at all. */
export type Start = "service" | "foreground" | "none";

export interface StartOptions {
  readonly dir?: string;
  readonly foreground?: boolean;
  /** Commander's, of --no-start. */
  readonly start: boolean;
}

/** The services of the package. */
export const HOST_SERVICE = "lacis";
export const AUTHORITY_SERVICE = "lacis-authority";

/** Decides before anything is done, so that nobody is left with files that nothing starts. */
export function chooseStart({ dir, foreground, start }: StartOptions, services: readonly string[]): Start {
  const { supervisor, places } = thisPlatform();
  if (!start) return "none";
  // The services of the package are for the one folder that they name.
  if (foreground || (dir !== undefined && dir !== places.configBase) || !supervisor.isThere()) return "foreground";
  const unknown = services.find((service) => !supervisor.knows(service));
  if (unknown === undefined) return "service";
  throw new OperatorError("no-service", {
    what: `cannot start the service ${unknown}`,
    why: "this machine does not know it: lacis was not installed as a package",
    todo: "install the package, or let this command be the host for as long as it runs: --foreground",
  });
}

/** A reload shows the new certificate to peers before it answers. */
export const RELOAD_MS = 15_000;

/** The command line of the daemon. */
export function daemonCommand(config: string, stateDir?: string): [string, ...string[]] {
  const program = join(packageRoot(), "dist/src/cli/main.js");
  const state = stateDir === undefined ? [] : ["--state-dir", stateDir];
  return [process.execPath, program, "run", "--config", config, ...state];
}

/** The daemon that runs a host's files, undefined where there is none. */
export function daemonSocket({ config, folder }: HostFiles): string | undefined {
  const { daemons } = runningDaemons(stateEnvironment());
  return daemons.find(({ holder }) => holder.config === config || holder.config === folder)?.state.ownerSocket;
}

/** Waits until the host answers and says how it is. `isAlive`: whether there is still something to wait for. */
export async function whenRunning(
  files: HostFiles,
  isAlive: () => boolean,
): Promise<StatusReport & { readonly socket: string }> {
  const end = performance.now() + READY_MS;
  for (;;) {
    const socket = daemonSocket(files);
    const status = socket === undefined ? undefined : await askStatus(socket);
    if (socket !== undefined && status?.dataPlane.state === "up") return { ...status, socket };
    if (!isAlive() || performance.now() > end) throw notRunning(files);
    await sleep(LOOK_MS);
  }
}

const READY_MS = 60_000;
const LOOK_MS = 50;
const STATUS_MS = 5_000;

async function askStatus(socket: string): Promise<StatusReport | undefined> {
  try {
    return (await askDaemon(socket, { verb: "status" }, STATUS_MS)) as StatusReport;
  } catch (error) {
    // It has its lock and not yet its socket.
    if (error instanceof OperatorError) return undefined;
    throw error;
  }
}

function notRunning({ config }: HostFiles): OperatorError {
  return new OperatorError("not-started", {
    what: "the host was set up, and does not run",
    why: "its daemon ended, or does not get ready: its log says why",
    todo: `see lacis check ${config}, and run this again: nothing has to be asked for anew`,
  });
}

/** Asks the first lighthouse that answers; undefined where there is none to ask. */
export async function pingLighthouse({
  socket,
  lighthouses,
}: StatusReport & { readonly socket: string }): Promise<PingReport | undefined> {
  let last: PingReport | undefined;
  for (const { address } of lighthouses) {
    last = (await askDaemon(
      socket,
      { verb: "ping", target: address, timeoutMs: PING_MS },
      PING_MS + 5_000,
    )) as PingReport;
    if (last.outcome === "pong") return last;
  }
  return last;
}

const PING_MS = 10_000;

/** Lets the children be the host, until they or somebody ends it. */
export async function stayInForeground(children: Children): Promise<void> {
  process.exitCode = await children.end();
}
