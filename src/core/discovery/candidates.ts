import { LruMap } from "../base/lru.ts";
import { familyOf, type IpAddress } from "../netip/address.ts";
import { type Endpoint, endpointAddress, endpointPort } from "../netip/endpoint.ts";
import { contains, type Prefix } from "../netip/prefix.ts";
import { orderEndpoints } from "./endpoint-order.ts";

/**
 * Who says where a host is: a lighthouse or, on a lighthouse, the host itself by its first overlay address; or the host's own authenticated
 * packets. Each replaces only what it said before (protocol 5.7).
 */
export type CandidateOwner = IpAddress | "learned";

/** Hosts whose endpoints are remembered; the one not used for longest goes. A host in the static map is never forgotten. */
export const HOSTS_MAX = 65_536;
/** Owners per host: as many lighthouses as anybody runs, and the host itself. */
const OWNERS_MAX = 16;
/** Places where a host was seen last: where it is, where it was, and one that came between by mistake. */
const LEARNED_MAX = 3;
/** Endpoints per owner and family: what a lighthouse message carries (protocol 5.3). */
export const ENDPOINTS_PER_FAMILY_MAX = 10;

/**
 * Where hosts may be found: per overlay address, what each owner said (protocol 5.7). Underlay addresses inside our own overlay networks never
 * get in, so that no tunnel is ever carried by a tunnel (reliability R25).
 */
export class Candidates {
  readonly #hosts = new LruMap<IpAddress, Map<CandidateOwner, readonly Endpoint[]>>(HOSTS_MAX);
  readonly #static = new Map<IpAddress, readonly Endpoint[]>();
  readonly #overlay: readonly Prefix[];

  constructor(overlay: readonly Prefix[]) {
    this.#overlay = overlay;
  }

  get size(): number {
    return this.#hosts.size;
  }

  /** What the static map says about a host, names resolved. */
  setStatic(host: IpAddress, endpoints: readonly Endpoint[]): void {
    this.#static.set(host, this.usable(endpoints));
  }

  forgetStatic(host: IpAddress): void {
    this.#static.delete(host);
  }

  /** An owner's list for a host, in place of its last one. The first ten of each family count. */
  report(host: IpAddress, owner: CandidateOwner, endpoints: readonly Endpoint[]): void {
    const owners = this.#hosts.get(host) ?? new Map<CandidateOwner, readonly Endpoint[]>();
    owners.delete(owner);
    if (owners.size >= OWNERS_MAX) owners.delete(owners.keys().next().value ?? owner);
    owners.set(owner, this.usable(firstOfEachFamily(endpoints)));
    this.#hosts.set(host, owners);
  }

  /**
   * The host's own authenticated packets come from here. All its addresses share what is known. Where it was before is kept for a while: a
   * host that wanders comes back, and somebody who replays its packets first from elsewhere must not make us forget it.
   */
  learned(addresses: readonly IpAddress[], endpoint: Endpoint): void {
    for (const address of addresses) {
      const before = this.#hosts.get(address)?.get("learned") ?? [];
      const latest = [endpoint, ...before.filter((other) => other !== endpoint)].slice(0, LEARNED_MAX);
      this.report(address, "learned", latest);
    }
  }

  /** Every endpoint worth trying, best first. */
  endpointsOf(host: IpAddress, preferred: readonly Prefix[]): readonly Endpoint[] {
    const all = [...(this.#static.get(host) ?? [])];
    for (const endpoints of this.#hosts.get(host)?.values() ?? []) all.push(...endpoints);
    return orderEndpoints(all, preferred);
  }

  /** Without ports of 0 and without what lies inside our own overlay networks. */
  usable(endpoints: readonly Endpoint[]): readonly Endpoint[] {
    return endpoints.filter((endpoint) => endpointPort(endpoint) > 0 && !this.isOverlay(endpointAddress(endpoint)));
  }

  isOverlay(address: IpAddress): boolean {
    return this.#overlay.some((network) => contains(network, address));
  }
}

/** What a receiver of a lighthouse message looks at: the first ten of each family, in order. */
export function firstOfEachFamily(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const counts = { 4: 0, 6: 0 };
  return endpoints.filter((endpoint) => ++counts[familyOf(endpointAddress(endpoint))] <= ENDPOINTS_PER_FAMILY_MAX);
}
