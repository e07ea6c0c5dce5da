import { readdirSync, readFileSync } from "node:fs";
import { statFields, TICKS_PER_SECOND } from "../test/netns/lab/process.ts";

const TICK_NS = 1e9 / TICKS_PER_SECOND;

/** What the processors did while something was measured. */
export interface CpuUse {
  /** Time in which any of them was busy, whoever it was for. */
  readonly busyNs: number;
  /** Of all their time, what programs outside the lab took: a measurement beside much of it says nothing. */
  readonly foreignShare: number;
}

/** Watches the whole machine while `body` runs. In a lab: what is in `/proc` there takes part, the rest is foreign. */
export async function watchCpu<T>(body: () => Promise<T>): Promise<readonly [T, CpuUse]> {
  const [machine, own] = [readMachine(), readParticipants()];
  const result = await body();
  return [result, difference(machine, readMachine(), readParticipants() - own)];
}

interface Ticks {
  readonly user: number;
  readonly busy: number;
  readonly stolen: number;
  readonly all: number;
}

function difference(before: Ticks, after: Ticks, ownUser: number): CpuUse {
  const all = Math.max(1, after.all - before.all);
  return {
    busyNs: (after.busy - before.busy) * TICK_NS,
    foreignShare: Math.max(0, after.user - before.user - ownUser) / all,
  };
}

function readMachine(): Ticks {
  return parseMachine(readFileSync("/proc/stat", "utf8"));
}

/** The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal. */
export function parseMachine(stat: string): Ticks {
  const fields = stat.split("\n", 1)[0]!.trim().split(/\s+/).slice(1).map(Number);
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, stolen = 0] = fields;
  const busy = user + nice + system + irq + softirq;
  return { user: user + nice, busy, stolen, all: busy + idle + iowait + stolen };
}

/** User time of everybody in the lab, and of their children that have ended. */
function readParticipants(): number {
  let ticks = 0;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      ticks += parseUserTicks(readFileSync(`/proc/${pid}/stat`, "utf8"));
    } catch {
      // It ended between the listing and the look: its parent has its time.
    }
  }
  return ticks;
}

/** utime and cutime. */
export function parseUserTicks(stat: string): number {
  const fields = statFields(stat);
  return Number(fields[11]) + Number(fields[13]);
}
