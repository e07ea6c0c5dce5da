import { adminService } from "../admin/admin-service.ts";
import { openNode } from "../index.ts";
import type { Daemon } from "../runtime/daemon.ts";
import { ExitCode, OperatorError } from "../runtime/operator-error.ts";
import { tellReady, tellWhileWell } from "../runtime/readiness.ts";
import { endProcess } from "./end-process.ts";
import { oncePerTurn } from "./once-per-turn.ts";
import { protectSecrets } from "./protect-secrets.ts";

/** How long farewells may take. After it the process ends as it is. */
const STOP_MS = 2_000;

/** A host with its admin sockets, until a signal ends it. */
export async function runDaemon({ config, stateDir }: { config: string; stateDir?: string }): Promise<void> {
  // What the daemon writes is nobody else's (reliability R61); the sockets widen that themselves.
  process.umask(0o077);
  const confinement = protectSecrets();
  // Begins once the signals are obeyed.
  const starting = Promise.resolve().then(async () =>
    openNode({
      config,
      ...(stateDir !== undefined && { stateDirectory: stateDir }),
      services: (daemon) => [adminService(daemon, confinement)],
    }),
  );
  obeySignals(starting);
  const daemon = await starting;
  const untold = tellReady();
  if (untold !== undefined) console.error(`lacis: the service manager was not told that this host is ready: ${untold}`);
  tellWhileWell(() => daemon.isMovingPackets());
}

/** From the first moment on: a signal during the start waits for its end, so that no data plane is left without a control plane. */
function obeySignals(starting: Promise<Daemon>): void {
  let stopping = false;
  const stop = async (ending: "asked" | "replaced"): Promise<void> => {
    if (stopping) endProcess(ExitCode.bad);
    stopping = true;
    setTimeout(() => endProcess(ExitCode.bad), STOP_MS).unref();
    const daemon = await starting.catch(() => undefined);
    // A start that failed has cleaned up, and main says why.
    if (!daemon) return;
    await daemon.stop(ending);
    endProcess(ExitCode.ok);
  };
  process.on("SIGTERM", () => void stop("asked"));
  process.on("SIGINT", () => void stop("asked"));
  process.on("SIGUSR2", () => void stop("replaced"));
  process.on(
    "SIGHUP",
    oncePerTurn(() => void reload(starting)),
  );
  process.on("uncaughtException", (error) => void crash(starting, error));
}

async function reload(starting: Promise<Daemon>): Promise<void> {
  const daemon = await starting.catch(() => undefined);
  try {
    daemon?.reload();
  } catch (error) {
    // The daemon has said so in its log and goes on as before.
    if (!(error instanceof OperatorError)) throw error;
  }
}

/** A fault of ours. The data plane goes on with what it knows; whoever starts lacis again finds every tunnel as it was. */
async function crash(starting: Promise<Daemon>, error: Error): Promise<void> {
  const text = (error.stack ?? error.message).split("\n").slice(0, 4).join(" ");
  console.error(
    `lacis: this is a fault of lacis itself - ${text} - tunnels go on; start lacis again and report this line`,
  );
  setTimeout(() => endProcess(ExitCode.crashed), 200);
  const daemon = await starting.catch(() => undefined);
  await daemon?.log.flush();
  endProcess(ExitCode.crashed);
}
