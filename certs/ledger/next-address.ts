import { addressBytes, addressFromBytes, familyOf, type IpAddress } from "../../src/core/netip/address.ts";
import { contains, masked, type Prefix } from "../../src/core/netip/prefix.ts";

/**
 * The lowest address of a network that nobody has, with the network's prefix length; undefined when there is none. An IPv4 network keeps its first
 * and last address to itself, an IPv6 one its first (the routers' anycast address, RFC 4291 section 2.6.1).
 */
export function nextAddress(network: Prefix, taken: ReadonlySet<IpAddress>): Prefix | undefined {
  const { address: first } = masked(network);
  const hasRoomForBoth = network.bits <= (familyOf(first) === 4 ? 30 : 126);
  let address: IpAddress | undefined = hasRoomForBoth ? following(first) : first;
  // One more than there are owners is enough: each step passes one of theirs.
  for (let i = 0; i <= taken.size; i++) {
    if (address === undefined || !contains(network, address)) return undefined;
    const isLast = familyOf(first) === 4 && hasRoomForBoth && !isInside(network, following(address));
    if (isLast) return undefined;
    if (!taken.has(address)) return { address, bits: network.bits };
    address = following(address);
  }
  return undefined;
}

function isInside(network: Prefix, address: IpAddress | undefined): boolean {
  return address !== undefined && contains(network, address);
}

/** The address plus one; undefined after the very last. */
function following(address: IpAddress): IpAddress | undefined {
  const bytes = addressBytes(address);
  for (let i = bytes.length - 1; i >= 0; i--) {
    bytes[i] = ((bytes[i] ?? 0) + 1) & 0xff;
    if (bytes[i] !== 0) return addressFromBytes(bytes);
  }
  return undefined;
}
