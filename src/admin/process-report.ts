import type { Confinement } from "../runtime/confinement.ts";
import type { DataPlaneDescription } from "../runtime/dataplane/data-plane.ts";
import { thisPlatform } from "../runtime/platform/this-platform.ts";

/** What one process may still do: as the system tells it, and as the process told what it has given up. */
export interface ProcessReport {
  readonly role: "control-plane" | "data-plane";
  /** Null: not known. Everything below is then unknown as well. */
  readonly pid: number | null;
  readonly uid: number | null;
  readonly user: string | null;
  /** Beyond those of its user, in the system's words. */
  readonly privileges: readonly string[] | null;
  readonly mayGainPrivileges: boolean | null;
  readonly systemCallsFiltered: boolean | null;
  /** How many are left; null when that is not known, or it has them all. */
  readonly systemCalls: number | null;
  /** Measures that hold, and those that do not, by the names of SEMANTICS 14. */
  readonly holds: readonly string[];
  readonly lacking: readonly { readonly measure: string; readonly why: string }[];
}

/** Of a daemon and its data plane; one that is part of the daemon is not a process. */
export function processReports(
  pid: number,
  confinement: Confinement | undefined,
  dataPlane: Pick<DataPlaneDescription, "kind" | "pid" | "confinement">,
): readonly ProcessReport[] {
  const daemon = report("control-plane", pid, confinement);
  if (dataPlane.kind !== "native") return [daemon];
  const old = { measure: "confine", why: "this data plane does not know how to give anything up" };
  const told = dataPlane.confinement ?? { holds: [], lacking: [old], systemCalls: undefined };
  return [daemon, report("data-plane", dataPlane.pid, told)];
}

function report(
  role: ProcessReport["role"],
  pid: number | undefined,
  { holds, lacking, systemCalls }: Confinement = { holds: [], lacking: [], systemCalls: undefined },
): ProcessReport {
  const { processes } = thisPlatform();
  const powers = pid === undefined ? undefined : processes.powersOf(pid);
  return {
    role,
    pid: pid ?? null,
    uid: powers?.uid ?? null,
    user: (powers && processes.userName(powers.uid)) ?? null,
    privileges: powers?.privileges ?? null,
    mayGainPrivileges: powers?.mayGainPrivileges ?? null,
    systemCallsFiltered: powers?.systemCallsFiltered ?? null,
    systemCalls: systemCalls ?? null,
    holds,
    lacking,
  };
}
