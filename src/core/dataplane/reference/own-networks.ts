import { addressBytes, addressFromBytes, familyOf, type IpAddress } from "../../netip/address.ts";
import { contains, type Prefix } from "../../netip/prefix.ts";

/** This host's overlay networks, as in its certificate: where no datagram may come from, and which addresses mean everybody. */
export class OwnNetworks {
  readonly #networks: readonly Prefix[];
  readonly #broadcasts: ReadonlySet<IpAddress>;

  constructor(networks: readonly Prefix[]) {
    this.#networks = networks;
    this.#broadcasts = new Set(networks.filter(hasBroadcast).map(lastAddress));
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
