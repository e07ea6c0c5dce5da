import { ExitCode } from "../runtime/operator-error.ts";

/**
 * Ends this process, in which nothing is left to do. exit(3) waits for every thread of the pool, also for one that is inside getaddrinfo(3), which cannot be
 * interrupted and takes many seconds where no server answers. Then a signal ends it: SIGTERM, which service managers take for a good end, or SIGKILL,
 * which none does.
 */
export function endProcess(code: ExitCode): never {
  if (process.getActiveResourcesInfo().includes(LOOKUP)) {
    const signal = code === ExitCode.ok ? "SIGTERM" : "SIGKILL";
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }
  return process.exit(code);
}

/** How Node.js calls a lookup that is under way. */
const LOOKUP = "GetAddrInfoReqWrap";
