import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { type IpAddress, parseAddress } from "../core/netip/address.ts";
import { contains, formatPrefix, type Prefix, parsePrefix } from "../core/netip/prefix.ts";
import { isCarrierShared, isMachine, isPrivate } from "../core/netip/special.ts";

/** Addresses reported for each family: what one lighthouse message carries (protocol 5.3). */
const ADDRESSES_MAX = 10;
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

/** Where this machine is on the underlay. */
export interface UnderlayPlace {
  readonly addresses: readonly IpAddress[];
  readonly networks: readonly Prefix[];
}

/** Calls `changed` now and whenever the place differs from the one before, looking every `everyMs`. Returns the way to stop. */
export function watchUnderlay(
  read: () => UnderlayPlace,
  everyMs: number,
  changed: (place: UnderlayPlace) => void,
): () => void {
  let known = "none yet";
  const look = (): void => {
    const place = read();
    const text = [...place.addresses, "in", ...place.networks.map(formatPrefix)].join(" ");
    if (text === known) return;
    known = text;
    changed(place);
  };
  look();
  const timer = setInterval(look, everyMs);
  return () => clearInterval(timer);
}
