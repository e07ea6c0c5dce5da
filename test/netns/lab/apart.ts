import type { MeshHost } from "./mesh.ts";
import type { Machine } from "./network.ts";

/** Where nobody is. */
const NOBODY = ["lladdr", "02:00:00:00:00:01", "nud", "permanent"];

/** Neither reaches the other straight. */
export async function keepApart(one: MeshHost, other: MeshHost): Promise<void> {
  await leadAstray(one.machine, other.machine.addresses);
  await leadAstray(other.machine, one.machine.addresses);
}

/** What a machine sends to these neighbours goes to one that does not exist. */
export async function leadAstray(machine: Machine, neighbours: readonly string[], device = "net"): Promise<void> {
  for (const address of neighbours)
    await machine.must("ip", ["neighbour", "replace", address, "dev", device, ...NOBODY]);
}

/** The end of that. */
export async function leadBack(machine: Machine, neighbours: readonly string[], device = "net"): Promise<void> {
  for (const address of neighbours) await machine.must("ip", ["neighbour", "delete", address, "dev", device]);
}
