import type { MeshHost } from "../lab/mesh.ts";
import { waitFor } from "../lab/wait.ts";
import { statusOf } from "../status-of.ts";

/** How many packets a host has dropped for a reason, as its status tells. */
export async function dropsOf(host: MeshHost, reason: string): Promise<number> {
  const counters = async () => (await statusOf(host)).counters ?? undefined;
  return (await waitFor("the first sample", counters, { withinMs: 5_000 })).drops[reason] ?? 0;
}
