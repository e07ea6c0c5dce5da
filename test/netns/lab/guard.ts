import { join } from "node:path";
import { LACIS, PROJECT } from "./implementation.ts";
import type { MeshHost } from "./mesh.ts";
import type { Machine } from "./network.ts";

/** What keeps a host's overlay packets off every way but the device, as anybody finds it who looks at the machine. */
export interface StandingGuard {
  /** Prefixes that are unreachable where no device has them, sorted. */
  readonly routes: readonly string[];
  /** What its rules say: where packets may come from, where to they may not. */
  readonly rules: number;
  readonly droppedPackets: number;
}

/** The program that sets and removes a guard by hand. */
export const GUARD: readonly [string, string] = [join(PROJECT, "native/target/release/lacis-dataplane"), "guard"];

/** Whose guard a host's is: to be asked while its daemon runs. */
export async function ownerOf(host: MeshHost): Promise<string> {
  const [command, ...args] = LACIS.cli("status", "--json", "--config", host.configPath);
  const status: { daemon: { stateDirectory: string } } = JSON.parse(await host.machine.must(command, args));
  return status.daemon.stateDirectory.replace(/.*\//, "");
}

/** What stands of an owner's guard. */
export async function standingGuard(machine: Machine, owner: string): Promise<StandingGuard> {
  const [command, ...args] = GUARD;
  const shown: { filter: { standing: number; droppedPackets: number } } = JSON.parse(
    await machine.must(command, [...args, "show", "--owner", owner]),
  );
  const { standing: rules, droppedPackets } = shown.filter;
  return { routes: await unreachable(machine), rules, droppedPackets };
}

/** The prefixes of all guards of a machine. */
export async function unreachable(machine: Machine): Promise<readonly string[]> {
  const all: string[] = [];
  for (const family of ["-4", "-6"]) {
    const routes: readonly { dst: string; type?: string }[] = JSON.parse(
      await machine.must("ip", ["-json", family, "route", "show", "proto", "142"]),
    );
    all.push(...routes.filter(({ type }) => type === "unreachable").map(({ dst }) => dst));
  }
  return all.sort();
}
