import { addressBytes, addressFromBytes, type IpAddress } from "../core/netip/address.ts";
import { masked, type Prefix } from "../core/netip/prefix.ts";

/** The first address of a network that a host may have. */
export function firstAddress(network: Prefix): IpAddress {
  const { address } = masked(network);
  const bytes = Uint8Array.from(addressBytes(address));
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 1;
  return addressFromBytes(bytes) ?? address;
}
