import { Fault } from "../base/fault.ts";
import { familyOf } from "../netip/address.ts";
import { masked, type Prefix } from "../netip/prefix.ts";
import type { Route } from "./route.ts";
import { RouteTable } from "./route-table.ts";

/** The routes of a host with these addresses: each of its networks to the peers in it, each of its addresses to itself. */
export function hostRoutes(networks: readonly Prefix[]): RouteTable {
  const routes = new Map<string, Route>();
  const add = (prefix: Prefix, kind: "own" | "peer"): void => {
    routes.set(`${prefix.address}/${prefix.bits}`, { prefix, target: { kind } });
  };
  for (const network of networks) add(masked(network), "peer");
  // Last: in a network of one address nobody else is left.
  for (const { address } of networks) add({ address, bits: familyOf(address) === 4 ? 32 : 128 }, "own");
  const table = RouteTable.of([...routes.values()]);
  if (!table.ok) throw new Fault("host-routes", `the routes of our own networks are none: ${table.reason}`);
  return table.value;
}
