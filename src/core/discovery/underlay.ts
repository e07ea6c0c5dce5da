import type { Host } from "../config/settings.ts";
import { familyOf, type IpAddress } from "../netip/address.ts";
import { type Endpoint, endpointAddress, endpointPort } from "../netip/endpoint.ts";
import { broadcastOf, contains, masked, type Prefix } from "../netip/prefix.ts";
import { familiesOf, isLoopback, isMachine, isPrivate, isSendable } from "../netip/special.ts";
import { isCarried } from "../path/carried.ts";

const ANY4 = "0.0.0.0" as IpAddress;
const ANY6 = "::" as IpAddress;

/** Which underlay addresses a host may be called at, seen from this one. */
export class Underlay {
  readonly #overlay: readonly Prefix[];
  /** First and last address of our own underlay networks: they mean all hosts there. */
  #broadcasts: ReadonlySet<IpAddress> = new Set();
  #isOnThisMachine = false;
  readonly #listen: Host;
  #families: ReadonlySet<4 | 6>;
  #near: readonly Prefix[] = [];

  /** `overlay`: our own overlay networks. No tunnel is ever carried by a tunnel (reliability R25). `listen`: the address of our socket. */
  constructor(overlay: readonly Prefix[], listen: Host = ANY6) {
    this.#overlay = overlay;
    this.#listen = listen;
    this.#families = familiesHeard(listen);
  }

  /** Private networks that we are in: what lies in them may be next to us. */
  get near(): readonly Prefix[] {
    return this.#near;
  }

  /** The networks that our interfaces are in; those of them that lead outward, with our addresses there. */
  setLocalNetworks(networks: readonly Prefix[], outward: readonly Prefix[]): void {
    this.#near = outward.filter(({ address }) => isPrivate(address));
    const own = new Set(outward.map(({ address }) => familyOf(address)));
    const both = [...familiesHeard(this.#listen)].filter((family) => own.has(family));
    // Nothing is known of ourselves yet, or only what the kernel would not send from: whoever tries learns more.
    this.#families = both.length > 0 ? new Set(both) : familiesHeard(this.#listen);
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
    const address = endpointAddress(endpoint);
    return endpointPort(endpoint) > 0 && isSendable(address) && !this.isOverlay(address) && !isCarried(endpoint);
  }

  /** Whether one machine may be there: for what others say. */
  isPlausible(endpoint: Endpoint): boolean {
    const address = endpointAddress(endpoint);
    if (!this.isUsable(endpoint) || this.#broadcasts.has(address)) return false;
    return isMachine(address) || (this.#isOnThisMachine && isLoopback(address));
  }

  /** Whether this host has a socket and an address of its family. */
  canReach(endpoint: Endpoint): boolean {
    const address = endpointAddress(endpoint);
    return this.#families.has(familyOf(address)) || isLoopback(address);
  }

  isOverlay(address: IpAddress): boolean {
    return this.#overlay.some((network) => contains(network, address));
  }
}

/** Whether what is sent to this address of ours comes to a socket that listens there. */
export function isHeardAt(listen: Host, address: IpAddress): boolean {
  return typeof listen === "string" && !isAny(listen)
    ? listen === address
    : familiesHeard(listen).has(familyOf(address));
}

/** What a name stands for is known only when it has been resolved. */
function familiesHeard(listen: Host): ReadonlySet<4 | 6> {
  return familiesOf(typeof listen === "string" ? listen : ANY6);
}

function isAny(address: IpAddress): boolean {
  return address === ANY6 || address === ANY4;
}
