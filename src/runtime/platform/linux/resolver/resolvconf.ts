import { existsSync } from "node:fs";
import type { NameWiring } from "../../platform.ts";
import { runProgram } from "./run-program.ts";

/** Where the two programs of this name keep what they were told. */
const RECORDS = ["/run/resolvconf/interface", "/run/resolvconf/interfaces", "/run/resolvconf/keys"] as const;

const LOOK_MS = 1_000;

/** By the program that writes /etc/resolv.conf from what everybody tells it: Debian's, or openresolv. */
export function resolvconfWiring(program: string, records: readonly string[] = RECORDS): NameWiring {
  return {
    how: "resolvconf",
    lookMs: LOOK_MS,
    holds: async ({ owner }) => isTold(owner, records),
    async wire({ owner, server }) {
      if (isTold(owner, records)) return false;
      await runProgram(program, ["-a", recordOf(owner)], `nameserver ${server}\n`);
      return true;
    },
    unwire: ({ owner }) => forget(program, owner, records),
  };
}

/** Takes out what a run of this owner told. */
export async function forget(program: string, owner: string, records: readonly string[] = RECORDS): Promise<void> {
  if (isTold(owner, records)) await runProgram(program, ["-d", recordOf(owner)]);
}

function isTold(owner: string, records: readonly string[]): boolean {
  return records.some((folder) => existsSync(`${folder}/${recordOf(owner)}`));
}

/** Both put what begins like a tunnel of OpenVPN before what network cards have. */
function recordOf(owner: string): string {
  return `tun0.lacis-${owner}`;
}
