import { LACIS } from "../lab/implementation.ts";
import type { MeshHost } from "../lab/mesh.ts";
import { waitFor } from "../lab/wait.ts";

/** How many packets a host has dropped for a reason, as its status tells. */
export async function dropsOf(host: MeshHost, reason: string): Promise<number> {
  const [command, ...args] = LACIS.cli("status", "--json", "--config", host.configPath);
  const status = async () => JSON.parse(await host.machine.must(command, args)).counters;
  return (await waitFor("the first sample", status, { withinMs: 5_000 })).drops[reason] ?? 0;
}
