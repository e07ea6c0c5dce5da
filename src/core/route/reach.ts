import { addressBytes, addressFromBytes, familyOf, type IpAddress } from "../netip/address.ts";
import type { Prefix } from "../netip/prefix.ts";
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

/** IPv4 networks of up to 30 bits give their first and last address away (RFC 3021 keeps both in a /31). */
function isNetworkOrBroadcast(network: Prefix, address: IpAddress): boolean {
  if (familyOf(address) === 6 || network.bits > 30) return false;
  return address === network.address || address === lastAddress(network);
}

function lastAddress(network: Prefix): IpAddress | undefined {
  const bytes = addressBytes(network.address);
  for (let i = 0; i < bytes.length; i++) {
    const host = 8 - Math.min(Math.max(network.bits - 8 * i, 0), 8);
    bytes[i] = (bytes[i] ?? 0) | ((1 << host) - 1);
  }
  return addressFromBytes(bytes);
}
