import type { IpAddress } from "../netip/address.ts";
import { type Endpoint, endpointAddress, endpointPort } from "../netip/endpoint.ts";
import { broadcastOf, contains, masked, type Prefix } from "../netip/prefix.ts";
import { isLoopback, isMachine } from "../netip/special.ts";
import { isCarried } from "../path/carried.ts";

/** Which underlay addresses a host may be called at, seen from this one. */
export class Underlay {
  readonly #overlay: readonly Prefix[];
  /** First and last address of our own underlay networks: they mean all hosts there. */
  #broadcasts: ReadonlySet<IpAddress> = new Set();
  #isOnThisMachine = false;

  /** `overlay`: our own overlay networks. No tunnel is ever carried by a tunnel (reliability R25). */
  constructor(overlay: readonly Prefix[]) {
    this.#overlay = overlay;
  }

  /** The networks that our interfaces are in. */
  setLocalNetworks(networks: readonly Prefix[]): void {
    this.#broadcasts = new Set(
      networks.flatMap((network) => {
        const last = broadcastOf(network);
        return last === undefined ? [] : [masked(network).address, last];
      }),
    );
  }

  /** What the configuration says about where hosts are. If that is this machine, others on it may be found there, too. */
  setConfigured(endpoints: Iterable<Endpoint>): void {
    this.#isOnThisMachine = [...endpoints].some((endpoint) => isLoopback(endpointAddress(endpoint)));
  }

  /** Whether a datagram can go there at all: for what the configuration says, and for where packets have come from. */
  isUsable(endpoint: Endpoint): boolean {
    return endpointPort(endpoint) > 0 && !this.isOverlay(endpointAddress(endpoint)) && !isCarried(endpoint);
  }

  /** Whether one machine may be there: for what others say. */
  isPlausible(endpoint: Endpoint): boolean {
    const address = endpointAddress(endpoint);
    if (!this.isUsable(endpoint) || this.#broadcasts.has(address)) return false;
    return isMachine(address) || (this.#isOnThisMachine && isLoopback(address));
  }

  isOverlay(address: IpAddress): boolean {
    return this.#overlay.some((network) => contains(network, address));
  }
}
