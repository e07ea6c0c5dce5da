import { Fault } from "../base/fault.ts";
import { formatPrefix, hostPrefix, masked, type Prefix } from "../netip/prefix.ts";
import type { Route, RouteTarget, UnsafeRoute } from "./route.ts";
import { RouteTable } from "./route-table.ts";

/** What the routes of a host follow from. */
export interface RouteSources {
  /** Its overlay networks, each with its own address in it. */
  readonly networks: readonly Prefix[];
  /** What lies behind it, as its certificate says. */
  readonly unsafeNetworks?: readonly Prefix[];
  /** What lies behind other hosts, as its configuration says, and what its system has learned of that. */
  readonly unsafeRoutes?: readonly Pick<UnsafeRoute, "prefix" | "gateways">[];
  readonly learned?: readonly Pick<UnsafeRoute, "prefix" | "gateways">[];
}

/**
 * The routes of a host: each of its networks to the peers in it, each of its addresses and what lies behind it to itself, the rest of what it
 * knows to gateways. Where two speak of the same prefix, certificates go before the configuration, and that before what was learned.
 */
export function hostRoutes({
  networks,
  unsafeNetworks = [],
  unsafeRoutes = [],
  learned = [],
}: RouteSources): RouteTable {
  const routes = new Map<string, Route>();
  const add = (prefix: Prefix, target: RouteTarget): void => {
    routes.set(formatPrefix(prefix), { prefix, target });
  };
  for (const { prefix, gateways } of [...learned, ...unsafeRoutes]) add(prefix, { kind: "gateways", gateways });
  for (const network of unsafeNetworks) add(masked(network), { kind: "own" });
  for (const network of networks) add(masked(network), { kind: "peer" });
  // Last: in a network of one address nobody else is left.
  for (const { address } of networks) add(hostPrefix(address), { kind: "own" });
  const table = RouteTable.of([...routes.values()]);
  if (!table.ok) throw new Fault("host-routes", `the routes of our own networks are none: ${table.reason}`);
  return table.value;
}
