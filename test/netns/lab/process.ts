import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** What /proc says about a process. All of it throws when the process is gone. */
export interface ProcessFacts {
  readonly command: string;
  readonly residentBytes: number;
  /** User and system time since its start. */
  readonly cpuSeconds: number;
  /** What its open descriptors point to, sorted; numbers of sockets and pipes are left out. */
  readonly descriptors: readonly string[];
}

/** USER_HZ: fixed at 100 in Linux's interface to user space. */
export const TICKS_PER_SECOND = 100;

export function inspectProcess(pid: number): ProcessFacts {
  const statm = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
  const stat = statFields(readFileSync(`/proc/${pid}/stat`, "utf8"));
  return {
    command: commandLine(pid),
    residentBytes: Number(statm[1]) * 4096,
    cpuSeconds: (Number(stat[11]) + Number(stat[12])) / TICKS_PER_SECOND,
    descriptors: openDescriptors(pid),
  };
}

/** What `/proc/PID/stat` says behind the command's name, which may contain blanks and parentheses (proc(5)). */
export function statFields(stat: string): readonly string[] {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Memory of a process as `/proc/PID/status` tells it: what is resident, the most that ever was, and what of it is no file. */
export function memoryBytes(pid: number, field: "VmRSS" | "VmHWM" | "RssAnon"): number {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1] ?? 0) * 1024;
}

/** Program and arguments, blanks between; empty for a process that has ended and waits to be collected. */
export function commandLine(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
}

/** Whether this stands in the command line of a process, which may be gone by now. */
export function isCalled(pid: number, part: string): boolean {
  try {
    return commandLine(pid).includes(part);
  } catch {
    return false;
  }
}

function openDescriptors(pid: number): string[] {
  const targets: string[] = [];
  for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
    try {
      targets.push(readlinkSync(`/proc/${pid}/fd/${descriptor}`).replace(/:\[\d+\]$/, ""));
    } catch {
      // It was closed between the listing and the look.
    }
  }
  return targets.sort();
}
