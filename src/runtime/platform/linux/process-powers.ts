import { readdirSync, readFileSync } from "node:fs";
import type { ProcessPowers } from "../platform.ts";

/**
 * From /proc/PID (proc_pid_status(5)). Privileges and filter belong to threads: the least confined one speaks for all. Undefined when there is no
 * such process, or it may not be looked at.
 */
export function powersOf(pid: number): ProcessPowers | undefined {
  try {
    const threads = readdirSync(`/proc/${pid}/task`).map((task) => readStatus(`/proc/${pid}/task/${task}/status`));
    const [first] = threads;
    if (!first) return undefined;
    const capabilities = threads.reduce((all, { permitted, inheritable }) => all | permitted | inheritable, 0n);
    return {
      uid: first.uid,
      privileges: namesOf(capabilities),
      mayGainPrivileges: threads.some(({ noNewPrivileges }) => !noNewPrivileges),
      systemCallsFiltered: threads.every(({ filtered }) => filtered),
      memoryLocked: first.lockedKilobytes > 0,
    };
  } catch {
    return undefined;
  }
}

interface ThreadStatus {
  readonly uid: number;
  readonly permitted: bigint;
  readonly inheritable: bigint;
  readonly noNewPrivileges: boolean;
  readonly filtered: boolean;
  readonly lockedKilobytes: number;
}

function readStatus(path: string): ThreadStatus {
  const fields = new Map(
    readFileSync(path, "utf8")
      .split("\n")
      .map((line) => line.split(":\t", 2) as [string, string | undefined]),
  );
  const set = (name: string): bigint => BigInt(`0x${fields.get(name)?.trim() || "0"}`);
  return {
    // Real, effective, saved, file system.
    uid: Number(fields.get("Uid")?.split("\t")[1]),
    permitted: set("CapPrm"),
    inheritable: set("CapInh"),
    noNewPrivileges: fields.get("NoNewPrivs")?.trim() === "1",
    filtered: fields.get("Seccomp")?.trim() === "2",
    lockedKilobytes: Number.parseInt(fields.get("VmLck") ?? "0", 10),
  };
}

function namesOf(capabilities: bigint): readonly string[] {
  const names: string[] = [];
  for (let bit = 0n; capabilities >> bit > 0n; bit++) {
    if ((capabilities >> bit) & 1n) names.push(NAMES[Number(bit)] ?? `capability-${bit}`);
  }
  return names;
}

/** By number (linux/capability.h). */
const NAMES = [
  ...["chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap"],
  ...["linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner"],
  ...["sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice"],
  ...["sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap"],
  ...["mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf"],
  "checkpoint_restore",
] as const;
