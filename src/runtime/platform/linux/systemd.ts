import { execFile, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { OperatorError } from "../../operator-error.ts";
import type { FileOwner, Supervisor } from "../platform.ts";
import { userIn } from "./user-in.ts";

export const SYSTEMD: Supervisor = {
  /** As sd_booted(3) looks. */
  isThere: () => existsSync("/run/systemd/system"),
  knows: (service) => spawnSync("systemctl", ["cat", unit(service)], { stdio: "ignore" }).status === 0,
  start: (service) => systemctl(service, "started", ["enable", "--now"]),
  stop: (service) => systemctl(service, "stopped", ["disable", "--now"]),
  ownerOf: (service) => ownerOf(service),
  showLog: (service) => `journalctl -u ${service} -n 20`,
};

function unit(service: string): string {
  return `${service}.service`;
}

function systemctl(service: string, done: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile("systemctl", [...args, unit(service)], { timeout: SYSTEMCTL_MS }, (error, _, stderr) => {
      if (!error) return resolve();
      const [said = error.message] = stderr.trim().split("\n");
      reject(
        new OperatorError("service-stuck", {
          what: `the service ${service} could not be ${done}`,
          why: said,
          todo: `see why, and run this again: ${SYSTEMD.showLog(service)}`,
        }),
      );
    });
  });
}

/** The unit's own limit for a start is a minute. */
const SYSTEMCTL_MS = 90_000;

function ownerOf(service: string): FileOwner | undefined {
  const shown = spawnSync("systemctl", ["show", "--property=User", "--value", unit(service)], { encoding: "utf8" });
  const user = (shown.stdout ?? "").trim();
  if (user === "" || user === "root") return undefined;
  return userIn(readFileSync("/etc/passwd", "utf8"), user);
}
