import { spawnSync } from "node:child_process";
import { findDataPlaneBinary } from "./dataplane/native/native-process.ts";

/** Longer than the data plane's program waits for the service manager to listen. */
const TOLD_WITHIN_MS = 6_000;

/**
 * Tells the service manager that started this process, if one did, that it is ready. Node.js has no datagrams on Unix sockets: the data plane's program sends it.
 * Why nothing could be told, otherwise.
 */
export function tellReady(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const manager = environment["NOTIFY_SOCKET"];
  if (!manager) return undefined;
  const { status, stderr, error } = spawnSync(findDataPlaneBinary(), ["notify", "READY=1"], {
    env: { NOTIFY_SOCKET: manager },
    cwd: "/",
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
    timeout: TOLD_WITHIN_MS,
  });
  if (error) return error.message;
  return status === 0 ? undefined : stderr.trim();
}
