import { existsSync } from "node:fs";
import type { NameWiring } from "../../platform.ts";
import { runProgram } from "./run-program.ts";

/** It keeps what it was told over a restart of its own. */
const LOOK_MS = 30_000;

/**
 * By systemd-resolved, which asks different servers below different domains. What it is told belongs to the device and goes with it: nothing is left by who is
 * killed.
 */
export function resolvedWiring(program: string): NameWiring {
  const holds: NameWiring["holds"] = async ({ device, domain, server }) => {
    const [servers, domains] = await Promise.all([
      runProgram(program, ["dns", device]),
      runProgram(program, ["domain", device]),
    ]);
    // "Link 7 (mesh0): 10.77.0.2"
    const isTold = (text: string, what: string): boolean => text.trim().endsWith(`: ${what}`);
    return isTold(servers, server) && isTold(domains, `~${domain}`);
  };
  return {
    how: "systemd-resolved",
    lookMs: LOOK_MS,
    holds,
    async wire(wish) {
      const { device, domain, server } = wish;
      if (await holds(wish)) return false;
      await runProgram(program, ["dns", device, server]);
      await runProgram(program, ["domain", device, `~${domain}`]);
      await runProgram(program, ["default-route", device, "false"]);
      // Nobody is to be found by shouting into the overlay.
      await runProgram(program, ["llmnr", device, "no"]);
      await runProgram(program, ["mdns", device, "no"]);
      // Names of an overlay are signed by nobody whom DNSSEC knows.
      await runProgram(program, ["dnssec", device, "no"]);
      return true;
    },
    async unwire({ device }) {
      if (existsSync(`/sys/class/net/${device}`)) await runProgram(program, ["revert", device]);
    },
  };
}
