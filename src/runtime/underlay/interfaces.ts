import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { type IpAddress, parseAddress } from "../../core/netip/address.ts";
import { type Prefix, parsePrefix } from "../../core/netip/prefix.ts";

/** A device with addresses, as the system tells of it. */
export interface Interface {
  readonly name: string;
  /** What drives it, in the system's words ("veth", "wireguard"); empty for hardware, undefined where nobody can tell. */
  readonly kind: string | undefined;
  /** Whether it carries frames; else it carries packets, as tunnels do. */
  readonly ethernet: boolean;
  /** Kinds of the devices that a bridge joins. */
  readonly ports: readonly string[];
  readonly carrierChanges: number;
  /** Each with the length of its network. */
  readonly addresses: readonly Prefix[];
}

/** How packets leave that are for nobody in a network of ours. */
export interface Way {
  readonly family: 4 | 6;
  readonly device: string;
  readonly gateway: IpAddress | undefined;
}

/** What is below the overlay. */
export interface Surroundings {
  readonly interfaces: readonly Interface[];
  readonly ways: readonly Way[];
}

/** What Node.js can tell: names and addresses. */
export function surroundingsByNode(found: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces()): Surroundings {
  const interfaces = Object.entries(found).flatMap(([name, entries = []]): Interface[] => {
    const addresses = entries.filter(({ internal }) => !internal).flatMap(({ cidr }) => parsePrefix(cidr ?? "") ?? []);
    const unknown = { kind: undefined, ethernet: true, ports: [], carrierChanges: 0 };
    return addresses.length === 0 ? [] : [{ name, ...unknown, addresses }];
  });
  return { interfaces, ways: [] };
}

/** What a line of `lacis-dataplane underlay watch` tells. Undefined when it is none. */
export function readSurroundings(text: string): Surroundings | undefined {
  try {
    const { interfaces, ways } = JSON.parse(text) as {
      interfaces: readonly (Omit<Interface, "addresses"> & { addresses: readonly string[] })[];
      ways: readonly { family: 4 | 6; device: string; gateway: string | null }[];
    };
    return {
      interfaces: interfaces.map((each) => ({
        name: String(each.name),
        kind: String(each.kind),
        ethernet: each.ethernet === true,
        ports: each.ports.map(String),
        carrierChanges: Number(each.carrierChanges),
        addresses: each.addresses.flatMap((address) => parsePrefix(String(address)) ?? []),
      })),
      ways: ways.map(({ family, device, gateway }) => ({
        family: family === 6 ? 6 : 4,
        device: String(device),
        gateway: parseAddress(gateway ?? "") ?? undefined,
      })),
    };
  } catch {
    return undefined;
  }
}
