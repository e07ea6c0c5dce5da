import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { type IpAddress, parseAddress } from "../core/netip/address.ts";
import { contains, type Prefix, parsePrefix } from "../core/netip/prefix.ts";
import { isCarrierShared, isPrivate } from "../core/netip/special.ts";

/** Addresses reported for each family: what one lighthouse message carries (protocol 5.3). */
const ADDRESSES_MAX = 10;

/**
 * Addresses under which other hosts might reach this machine, most useful first: IPv4 before IPv6, public before private. Without loopback,
 * link-local, multicast, and everything inside the overlay itself.
 */
export function underlayAddresses(
  overlay: readonly Prefix[],
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces(),
): readonly IpAddress[] {
  const found = Object.values(interfaces)
    .flatMap((entries) => entries ?? [])
    .filter(({ internal }) => !internal)
    .flatMap(({ address }) => parseAddress(address) ?? [])
    .filter((address) => ![...overlay, ...useless].some((prefix) => contains(prefix, address)));
  const unique = [...new Set(found)];
  const isPublic = (address: IpAddress): boolean => !isPrivate(address) && !isCarrierShared(address);
  const ordered = [...unique.filter(isPublic), ...unique.filter((address) => !isPublic(address))];
  return [
    ...ordered.filter((address) => !address.includes(":")).slice(0, ADDRESSES_MAX),
    ...ordered.filter((address) => address.includes(":")).slice(0, ADDRESSES_MAX),
  ];
}

/** Calls `changed` now and whenever the list differs from the one before, looking every `everyMs`. Returns the way to stop. */
export function watchUnderlayAddresses(
  read: () => readonly IpAddress[],
  everyMs: number,
  changed: (addresses: readonly IpAddress[]) => void,
): () => void {
  let known = "none yet";
  const look = (): void => {
    const addresses = read();
    const text = addresses.join(" ");
    if (text === known) return;
    known = text;
    changed(addresses);
  };
  look();
  const timer = setInterval(look, everyMs);
  return () => clearInterval(timer);
}

const useless = prefixes(
  "0.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "224.0.0.0/3",
  "::/127",
  "fe80::/10",
  "ff00::/8",
);

function prefixes(...texts: readonly string[]): readonly Prefix[] {
  return texts.flatMap((text) => parsePrefix(text) ?? []);
}
