import type { LocalPlace } from "../../core/discovery/own-places.ts";
import { familyOf, type IpAddress } from "../../core/netip/address.ts";
import { contains, formatPrefix, type Prefix } from "../../core/netip/prefix.ts";
import { isMachine, isPublic } from "../../core/netip/special.ts";
import { interfacesAside } from "./interface-class.ts";
import type { Interface, Surroundings } from "./interfaces.ts";

/** Addresses looked at in each family. One lighthouse message carries ten (protocol 5.3), of those that may be told. */
const ADDRESSES_MAX = 64;
/** Networks that are looked at. Each gives two addresses away that no packet goes to; hosts of containers have dozens. */
const NETWORKS_MAX = 1024;

/** Where this machine is: what lies below the overlay, without the overlay itself. */
export function localPlace(found: Surroundings, overlay: readonly Prefix[]): LocalPlace {
  const surroundings = belowOverlay(found, overlay);
  const aside = new Set(interfacesAside(surroundings).keys());
  const { interfaces } = surroundings;
  const outward = interfaces.filter(({ name }) => !aside.has(name));
  const addresses = ordered([...outward, ...interfaces.filter(({ name }) => aside.has(name))]);
  const networks = interfaces.flatMap((each) => each.addresses).slice(0, NETWORKS_MAX);
  const ways = JSON.stringify([
    surroundings.ways,
    // Another network may be at the other end of a cable, or behind the radio, with the same addresses.
    outward.map(({ name, carrierChanges }) => [name, carrierChanges]),
  ]);
  return { addresses, networks, interfaces: namesOf(addresses, interfaces), aside, ways };
}

/** Whether two places are the same in everything. */
export function textOf({
  addresses,
  networks = [],
  interfaces = new Map(),
  aside = new Set(),
  ways,
}: LocalPlace): string {
  return JSON.stringify([addresses, networks.map(formatPrefix), [...interfaces], [...aside], ways]);
}

/** Without the overlay itself. An interface is gone when nothing of it is left. */
export function belowOverlay({ interfaces, ways }: Surroundings, overlay: readonly Prefix[]): Surroundings {
  const isOverlay = (address: IpAddress): boolean => overlay.some((prefix) => contains(prefix, address));
  const left = interfaces
    .filter(({ kind, ethernet, addresses }) => {
      // The overlay's own device, whatever somebody else has given it as well.
      return kind !== "tun" || ethernet || !addresses.some(({ address }) => isOverlay(address));
    })
    .map((each) => ({
      ...each,
      addresses: each.addresses.filter(({ address }) => isMachine(address) && !isOverlay(address)),
    }))
    .filter(({ addresses }) => addresses.length > 0);
  const names = new Set(left.map(({ name }) => name));
  return { interfaces: left, ways: ways.filter(({ device }) => names.has(device)) };
}

/** IPv4 before IPv6, public before private, each once: those of the first interfaces where there are too many. */
function ordered(interfaces: readonly Interface[]): readonly IpAddress[] {
  const unique = [...new Set(interfaces.flatMap(({ addresses }) => addresses.map(({ address }) => address)))];
  return ([4, 6] as const).flatMap((family) => {
    const all = unique.filter((address) => familyOf(address) === family).slice(0, ADDRESSES_MAX);
    return [...all.filter(isPublic), ...all.filter((address) => !isPublic(address))];
  });
}

function namesOf(
  addresses: readonly IpAddress[],
  interfaces: readonly Interface[],
): ReadonlyMap<IpAddress, readonly string[]> {
  const names = new Map<IpAddress, string[]>(addresses.map((address) => [address, []]));
  for (const each of interfaces) for (const { address } of each.addresses) names.get(address)?.push(each.name);
  return names;
}
