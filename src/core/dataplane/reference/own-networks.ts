import type { IpAddress } from "../../netip/address.ts";
import { broadcastOf, contains, type Prefix } from "../../netip/prefix.ts";

/** This host's overlay networks, as in its certificate: where no datagram may come from, and which addresses mean everybody. */
export class OwnNetworks {
  readonly #networks: readonly Prefix[];
  readonly #broadcasts: ReadonlySet<IpAddress>;

  constructor(networks: readonly Prefix[]) {
    this.#networks = networks;
    this.#broadcasts = new Set(networks.flatMap((network) => broadcastOf(network) ?? []));
  }

  /** Whether this lies in one of our networks. */
  covers(address: IpAddress): boolean {
    return this.#networks.some((network) => contains(network, address));
  }

  isBroadcast(address: IpAddress): boolean {
    return this.#broadcasts.has(address);
  }
}
