import { addressBytes, addressFromBytes, familyOf, type IpAddress } from "../../netip/address.ts";
import { contains, type Prefix } from "../../netip/prefix.ts";

/** This host's overlay networks and its own address in each, as in its certificate. */
export class OwnNetworks {
  readonly #networks: readonly Prefix[];
  readonly #addresses: ReadonlySet<IpAddress>;
  readonly #broadcasts: ReadonlySet<IpAddress>;

  constructor(networks: readonly Prefix[]) {
    this.#networks = networks;
    this.#addresses = new Set(networks.map(({ address }) => address));
    this.#broadcasts = new Set(networks.filter(hasBroadcast).map(lastAddress));
  }

  /** Whether this is one of our own addresses. */
  has(address: IpAddress): boolean {
    return this.#addresses.has(address);
  }

  /** Whether this lies in one of our networks. */
  covers(address: IpAddress): boolean {
    return this.#networks.some((network) => contains(network, address));
  }

  isBroadcast(address: IpAddress): boolean {
    return this.#broadcasts.has(address);
  }
}

/** Networks of one or two addresses have no broadcast address (RFC 3021). */
function hasBroadcast({ address, bits }: Prefix): boolean {
  return familyOf(address) === 4 && bits <= 30;
}

function lastAddress({ address, bits }: Prefix): IpAddress {
  const bytes = addressBytes(address);
  for (let i = 0; i < bytes.length; i++) {
    const network = Math.min(Math.max(bits - 8 * i, 0), 8);
    bytes[i] = (bytes[i] ?? 0) | (0xff >> network);
  }
  return addressFromBytes(bytes) as IpAddress;
}
