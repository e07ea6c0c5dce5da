import { readFileSync } from "node:fs";
import type { Processes } from "../platform.ts";
import { powersOf } from "./process-powers.ts";

export const PROCESSES: Processes = {
  /** Field 22 of /proc/<pid>/stat (proc(5)), counted behind the command's name, which may hold spaces and brackets: clock ticks since boot. */
  startTimeOf(pid) {
    const stat = readProc(pid, "stat");
    if (stat === undefined) return undefined;
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? "ended" : fields[18];
  },

  commandLineOf: (pid) => readProc(pid, "cmdline")?.split("\0") ?? [],
  powersOf,
  userName,
};

/** Undefined without such a process, and where /proc is missing. */
function readProc(pid: number, file: "stat" | "cmdline"): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return undefined;
  }
}

/** In /etc/passwd (passwd(5): name:password:uid:...). */
function userName(uid: number): string | undefined {
  try {
    const lines = readFileSync("/etc/passwd", "utf8").split("\n");
    return lines.find((line) => line.split(":")[2] === String(uid))?.split(":")[0];
  } catch {
    return undefined;
  }
}
