import { adminHandler } from "../admin/handler.ts";
import { ownerVerbs, readOnlyVerbs } from "../admin/protocol.ts";
import { AdminServer } from "../admin/server.ts";
import { openNode } from "../index.ts";
import type { Daemon } from "../runtime/daemon.ts";
import { ExitCode, OperatorError } from "../runtime/operator-error.ts";
import { stateEnvironment } from "../runtime/state/state-directory.ts";

/** How long farewells may take. After it the process ends as it is. */
const STOP_MS = 2_000;

/** A host with its admin sockets, until a signal ends it. */
export async function runDaemon({ config, stateDir }: { config: string; stateDir?: string }): Promise<void> {
  // What the daemon writes is nobody else's (reliability R61); the sockets widen that themselves.
  process.umask(0o077);
  // Begins once the signals are obeyed.
  const starting = Promise.resolve().then(async () => start(config, stateDir));
  obeySignals(starting);
  await starting;
}

interface RunningHost {
  readonly daemon: Daemon;
  readonly servers: readonly AdminServer[];
}

async function start(config: string, stateDirectory: string | undefined): Promise<RunningHost> {
  const daemon = await openNode({ config, ...(stateDirectory !== undefined && { stateDirectory }) });
  const handler = adminHandler(daemon);
  const { controlSocket, ownerSocket } = daemon.state;
  const { readersGid } = stateEnvironment();
  const servers = [
    new AdminServer({ path: controlSocket, mode: 0o660, gid: readersGid, verbs: readOnlyVerbs }, handler),
    new AdminServer({ path: ownerSocket, mode: 0o600, verbs: ownerVerbs }, handler),
  ];
  try {
    await Promise.all(servers.map((server) => server.listen()));
  } catch (error) {
    await daemon.stop();
    throw error;
  }
  return { daemon, servers };
}

/** From the first moment on: a signal during the start waits for its end, so that no data plane is left without a control plane. */
function obeySignals(starting: Promise<RunningHost>): void {
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) process.exit(ExitCode.bad);
    stopping = true;
    setTimeout(() => process.exit(ExitCode.bad), STOP_MS).unref();
    const host = await starting.catch(() => undefined);
    // A start that failed has cleaned up, and main says why.
    if (!host) return;
    for (const server of host.servers) server.close();
    await host.daemon.stop();
    process.exit(ExitCode.ok);
  };
  process.on("SIGTERM", () => void stop());
  process.on("SIGINT", () => void stop());
  process.on("SIGHUP", () => void reload(starting));
  process.on("uncaughtException", (error) => void crash(starting, error));
}

async function reload(starting: Promise<RunningHost>): Promise<void> {
  const host = await starting.catch(() => undefined);
  try {
    host?.daemon.reload();
  } catch (error) {
    // The daemon has said so in its log and goes on as before.
    if (!(error instanceof OperatorError)) throw error;
  }
}

/** A fault of ours. The data plane goes on with what it knows; whoever starts lacis again finds every tunnel as it was. */
async function crash(starting: Promise<RunningHost>, error: Error): Promise<void> {
  const text = (error.stack ?? error.message).split("\n").slice(0, 4).join(" ");
  console.error(
    `lacis: this is a fault of lacis itself - ${text} - tunnels go on; start lacis again and report this line`,
  );
  setTimeout(() => process.exit(ExitCode.crashed), 200);
  const host = await starting.catch(() => undefined);
  host?.daemon.flush();
  process.exit(ExitCode.crashed);
}
