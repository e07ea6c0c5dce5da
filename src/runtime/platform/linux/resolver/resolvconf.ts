import { existsSync } from "node:fs";
import type { NameWiring } from "../../platform.ts";
import { runProgram } from "./run-program.ts";

/** Where the two programs of this name keep what they were told. */
const RECORDS = ["/run/resolvconf/interface", "/run/resolvconf/interfaces", "/run/resolvconf/keys"] as const;

const LOOK_MS = 1_000;

/** By the program that writes /etc/resolv.conf from what everybody tells it: Debian's, or openresolv. */
export function resolvconfWiring(program: string): NameWiring {
  return {
    how: "resolvconf",
    lookMs: LOOK_MS,
    async wire(wish) {
      const { owner, server } = wish;
      if (isTold(owner)) return false;
      // Only openresolv has an order by numbers; both put names that begin with "tun" before those of network cards.
      const isOpenresolv = (await runProgram(program, ["--version"]).catch(() => "")).startsWith("openresolv");
      await runProgram(
        program,
        [...(isOpenresolv ? ["-m", "0"] : []), "-a", recordOf(owner)],
        `nameserver ${server}\n`,
      );
      return true;
    },
    unwire: ({ owner }) => forget(program, owner),
  };
}

/** Takes out what a run of this owner told. */
export async function forget(program: string, owner: string): Promise<void> {
  if (isTold(owner)) await runProgram(program, ["-d", recordOf(owner)]);
}

function isTold(owner: string): boolean {
  return RECORDS.some((folder) => existsSync(`${folder}/${recordOf(owner)}`));
}

function recordOf(owner: string): string {
  return `tun.lacis-${owner}`;
}
