import type { MeshHost } from "./mesh.ts";

/** Neither reaches the other straight: what one sends to the other goes to a neighbour that does not exist. */
export async function keepApart(one: MeshHost, other: MeshHost): Promise<void> {
  const nobody = ["lladdr", "02:00:00:00:00:01", "dev", "net", "nud", "permanent"];
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const)
    for (const address of to.machine.addresses)
      await from.machine.must("ip", ["neighbour", "replace", address, ...nobody]);
}
