import { execFile, spawnSync } from "node:child_process";
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

/** A third of the time after which the manager ends this process: one word that is late, or one answer that is, costs nothing. */
const WORDS_IN_TIME = 3;

/**
 * Tells the service manager again and again that all goes on, where it waits for that (sd_watchdog_enabled(3)). Each word takes a turn of this process's loop and then an
 * answer of the data plane: where either of them hangs, nothing is said.
 */
export function tellWhileWell(isWell: () => Promise<boolean>, environment: NodeJS.ProcessEnv = process.env): void {
  const manager = environment["NOTIFY_SOCKET"];
  const everyMs = watchdogMs(environment) / WORDS_IN_TIME;
  if (!manager || !(everyMs > 0)) return;
  const options = { env: { NOTIFY_SOCKET: manager }, cwd: "/", timeout: TOLD_WITHIN_MS };
  let isAsking = false;
  setInterval(async () => {
    if (isAsking) return;
    isAsking = true;
    // What keeps it from being told is seen by whoever waits for it.
    if (await isWell()) execFile(findDataPlaneBinary(), ["notify", "WATCHDOG=1"], options, () => {});
    isAsking = false;
  }, everyMs).unref();
}

/** How long the manager waits for the next word; 0: it waits for none, or not for this process's. */
export function watchdogMs({ WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid }: NodeJS.ProcessEnv): number {
  if (pid !== undefined && pid !== String(process.pid)) return 0;
  const ms = /^\d{1,15}$/.test(microseconds ?? "") ? Number(microseconds) / 1_000 : 0;
  return Math.min(ms, WATCHDOG_MS_MAX);
}

/** More than a timer can wait for is no watchdog. */
const WATCHDOG_MS_MAX = 3_600_000;
