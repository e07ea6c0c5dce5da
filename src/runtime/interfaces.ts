import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import type { LocalPlace } from "../core/discovery/own-places.ts";
import { type IpAddress, parseAddress } from "../core/netip/address.ts";
import { contains, type Prefix, parsePrefix } from "../core/netip/prefix.ts";
import { isCarrierShared, isMachine, isPrivate } from "../core/netip/special.ts";

/** Addresses looked at in each family. One lighthouse message carries ten (protocol 5.3), of those that may be told. */
const ADDRESSES_MAX = 64;
/** Networks that are looked at. Each gives two addresses away that no packet goes to; hosts of containers have dozens. */
const NETWORKS_MAX = 1024;

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
    .filter((address) => isMachine(address) && !overlay.some((prefix) => contains(prefix, address)));
  const unique = [...new Set(found)];
  const isPublic = (address: IpAddress): boolean => !isPrivate(address) && !isCarrierShared(address);
  const ordered = [...unique.filter(isPublic), ...unique.filter((address) => !isPublic(address))];
  return [
    ...ordered.filter((address) => !address.includes(":")).slice(0, ADDRESSES_MAX),
    ...ordered.filter((address) => address.includes(":")).slice(0, ADDRESSES_MAX),
  ];
}

/** Which interfaces have these addresses, by name. */
export function interfaceNames(
  addresses: readonly IpAddress[],
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces(),
): ReadonlyMap<IpAddress, readonly string[]> {
  const names = new Map<IpAddress, string[]>(addresses.map((address) => [address, []]));
  for (const [name, entries = []] of Object.entries(interfaces))
    for (const { address } of entries) {
      const parsed = parseAddress(address);
      if (parsed) names.get(parsed)?.push(name);
    }
  return names;
}

/** The networks that this machine's interfaces are in, without those of the overlay. */
export function underlayNetworks(
  overlay: readonly Prefix[],
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces(),
): readonly Prefix[] {
  return Object.values(interfaces)
    .flatMap((entries) => entries ?? [])
    .flatMap(({ cidr }) => parsePrefix(cidr ?? "") ?? [])
    .filter(({ address }) => !overlay.some((prefix) => contains(prefix, address)))
    .slice(0, NETWORKS_MAX);
}

/** All of it. */
export function underlayPlace(overlay: readonly Prefix[]): LocalPlace {
  const interfaces = networkInterfaces();
  const addresses = underlayAddresses(overlay, interfaces);
  return {
    addresses,
    networks: underlayNetworks(overlay, interfaces),
    interfaces: interfaceNames(addresses, interfaces),
  };
}

/** Calls `changed` now and whenever the place differs from the one before, looking every `everyMs`. Returns the way to stop. */
export function watchUnderlay(
  read: () => LocalPlace,
  everyMs: number,
  changed: (place: LocalPlace) => void,
): () => void {
  let known = "none yet";
  const look = (): void => {
    const place = read();
    const { addresses, networks = [], interfaces = new Map() } = place;
    const text = JSON.stringify([addresses, networks, [...interfaces]]);
    if (text === known) return;
    known = text;
    changed(place);
  };
  look();
  const timer = setInterval(look, everyMs);
  return () => clearInterval(timer);
}
