import type { IpAddress } from "../netip/address.ts";
import { broadcastOf, type Prefix } from "../netip/prefix.ts";
import { isMulticast, isReserved } from "../netip/special.ts";
import type { RouteTable } from "./route-table.ts";

/** Whether an overlay address can be a host that we call. */
export type Reach = "host" | "own-address" | "outside-networks" | "not-a-host";

/**
 * Looks at an overlay address from this host: only single hosts that a route takes for peers are called; never ourselves, never a network,
 * broadcast or multicast address, and never what lies behind a gateway.
 */
export function reachOf(routes: RouteTable, address: IpAddress): Reach {
  const route = routes.lookUp(address);
  if (route?.target.kind === "own") return "own-address";
  if (isMulticast(address) || isReserved(address)) return "not-a-host";
  if (route?.target.kind !== "peer") return "outside-networks";
  return isNetworkOrBroadcast(route.prefix, address) ? "not-a-host" : "host";
}

/** IPv4 networks of up to 30 bits give their first and last address away. */
function isNetworkOrBroadcast(network: Prefix, address: IpAddress): boolean {
  const last = broadcastOf(network);
  return last !== undefined && (address === network.address || address === last);
}
