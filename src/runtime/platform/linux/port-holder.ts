import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { PortHolder } from "../platform.ts";
import { udpSocketsAt } from "./udp-table.ts";

/** Processes that are looked at: a machine with more is not searched to its end. */
const PROCESSES_MAX = 20_000;

/**
 * Whose UDP socket has a port (proc(5): the links below /proc/PID/fd). Only root sees those of others: undefined for everybody else, and where
 * nobody has it.
 */
export function udpPortHolder(port: number): PortHolder | undefined {
  try {
    const links = new Set(udpSocketsAt(port).map(({ inode }) => `socket:[${inode}]`));
    if (links.size === 0) return undefined;
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    const pid = pids.slice(0, PROCESSES_MAX).find((each) => opensOf(each).some((link) => links.has(link)));
    return pid === undefined ? undefined : { pid: Number(pid), name: readFileSync(`/proc/${pid}/comm`, "utf8").trim() };
  } catch {
    return undefined;
  }
}

/** Empty for a process that may not be looked at, or has ended. */
function opensOf(pid: string): readonly string[] {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).map((fd) => linkAt(`${folder}/${fd}`));
  } catch {
    return [];
  }
}

function linkAt(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
