import { addressBytes, addressFromBytes, familyOf, type IpAddress } from "../netip/address.ts";
import { contains, masked, type Prefix } from "../netip/prefix.ts";
import { isMulticast, isReserved } from "../netip/special.ts";

/** Whether an overlay address can be a host that we call. */
export type Reach = "host" | "own-address" | "outside-networks" | "not-a-host";

/**
 * Looks at an overlay address from this host: only single hosts inside our own networks are called; never ourselves, never a network,
 * broadcast or multicast address.
 */
export function reachOf(networks: readonly Prefix[], address: IpAddress): Reach {
  if (networks.some((network) => network.address === address)) return "own-address";
  if (isMulticast(address) || isReserved(address)) return "not-a-host";
  const around = networks.filter((network) => contains(network, address));
  if (around.length === 0) return "outside-networks";
  return around.some((network) => isNetworkOrBroadcast(network, address)) ? "not-a-host" : "host";
}

/** IPv4 networks of up to 30 bits give their first and last address away (RFC 3021 keeps both in a /31). */
function isNetworkOrBroadcast(network: Prefix, address: IpAddress): boolean {
  if (familyOf(address) === 6 || network.bits > 30) return false;
  return address === masked(network).address || address === lastAddress(network);
}

function lastAddress(network: Prefix): IpAddress | undefined {
  const bytes = addressBytes(masked(network).address);
  for (let i = 0; i < bytes.length; i++) {
    const host = 8 - Math.min(Math.max(network.bits - 8 * i, 0), 8);
    bytes[i] = (bytes[i] ?? 0) | ((1 << host) - 1);
  }
  return addressFromBytes(bytes);
}
