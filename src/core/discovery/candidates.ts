import { LruMap } from "../base/lru.ts";
import type { KnownPlaces } from "../io.ts";
import type { IpAddress } from "../netip/address.ts";
import { type Endpoint, firstOfEachFamily } from "../netip/endpoint.ts";
import { type EndpointList, endpointList, listedEndpoints, NO_ENDPOINTS } from "../netip/endpoint-list.ts";
import type { Prefix } from "../netip/prefix.ts";
import { orderEndpoints } from "./endpoint-order.ts";
import type { Underlay } from "./underlay.ts";

/** Hosts whose endpoints are remembered; the one not used for longest goes. A host in the static map is never forgotten. */
export const HOSTS_MAX = 65_536;
/** Who may speak about one host: as many lighthouses as anybody runs, and the host itself. */
const OWNERS_MAX = 16;
/** Places where a host was seen last: where it is, where it was, and one that came between by mistake. */
const LEARNED_MAX = 3;
/** Endpoints per owner and family: what a lighthouse message carries (protocol 5.3). */
export const ENDPOINTS_PER_FAMILY_MAX = 10;

/** What is known about one host beside the configuration. */
interface Known {
  /** Its own authenticated packets came from here; newest first. */
  readonly learned: EndpointList;
  /** What others said, whoever spoke last at the end. */
  readonly said: Said | undefined;
}

/** What a lighthouse said, or on a lighthouse the host itself, by its first overlay address. Each replaces only its own (protocol 5.7). */
interface Said {
  readonly owner: IpAddress;
  readonly endpoints: EndpointList;
  /** By whoever spoke after that: a list without an array, since a lighthouse has one for each of thousands of hosts. */
  readonly next: Said | undefined;
}

/**
 * Where hosts may be found, per overlay address: what the configuration says, what their packets have shown, and what somebody said. Nobody's
 * words push out what a host's packets have shown.
 */
export class Candidates {
  readonly #hosts = new LruMap<IpAddress, Known>(HOSTS_MAX);
  readonly #static = new Map<IpAddress, readonly Endpoint[]>();
  readonly #underlay: Underlay;

  constructor(underlay: Underlay) {
    this.#underlay = underlay;
  }

  get size(): number {
    return this.#hosts.size;
  }

  /** What the static map says about a host, names resolved. */
  setStatic(host: IpAddress, endpoints: readonly Endpoint[]): void {
    this.#static.set(
      host,
      endpoints.filter((endpoint) => this.#underlay.isUsable(endpoint)),
    );
  }

  forgetStatic(host: IpAddress): void {
    this.#static.delete(host);
  }

  /** An owner's list for a host, in place of its last one. Of the first ten of each family, those where one machine may be. */
  report(host: IpAddress, owner: IpAddress, endpoints: readonly Endpoint[]): void {
    const { learned, said } = this.#known(host);
    const others = listsOf(said).filter((one) => one.owner !== owner);
    const plausible = firstOfEachFamily(endpoints, ENDPOINTS_PER_FAMILY_MAX).filter((at) =>
      this.#underlay.isPlausible(at),
    );
    const latest = { owner, endpoints: endpointList(plausible) };
    this.#hosts.set(host, { learned, said: linked([...others, latest].slice(-OWNERS_MAX)) });
  }

  /**
   * The host's own authenticated packets come from here. All its addresses share what is known. Where it was before is kept for a while: a
   * host that wanders comes back, and somebody who replays its packets first from elsewhere must not make us forget it.
   */
  learned(addresses: readonly IpAddress[], endpoint: Endpoint): void {
    if (!this.#underlay.isUsable(endpoint)) return;
    for (const address of addresses) {
      const { learned, said } = this.#known(address);
      const before = listedEndpoints(learned).filter((other) => other !== endpoint);
      const latest = [endpoint, ...before].slice(0, LEARNED_MAX);
      this.#hosts.set(address, { learned: endpointList(latest), said });
    }
  }

  /** Every endpoint worth trying, best first. */
  endpointsOf(host: IpAddress, preferred: readonly Prefix[]): readonly Endpoint[] {
    const reached = this.#all(host).filter((endpoint) => this.#underlay.canReach(endpoint));
    return orderEndpoints(reached, preferred, this.#underlay.near);
  }

  /** Whether it is only known where this host cannot send anything. */
  isOutOfReach(host: IpAddress): boolean {
    const all = this.#all(host);
    return all.length > 0 && !all.some((endpoint) => this.#underlay.canReach(endpoint));
  }

  /** Everything, host by host. */
  *entries(): IterableIterator<KnownPlaces> {
    for (const [host, configured] of this.#static)
      if (!this.#hosts.has(host)) yield { host, configured, learned: [], said: new Map() };
    for (const [host, { learned, said }] of this.#hosts.entries())
      yield {
        host,
        configured: this.#static.get(host) ?? [],
        learned: listedEndpoints(learned),
        said: new Map(listsOf(said).map(({ owner, endpoints }) => [owner, listedEndpoints(endpoints)])),
      };
  }

  /** Where this host's own packets came from, newest first. Looking does not count as use. */
  learnedOf(host: IpAddress): readonly Endpoint[] {
    return listedEndpoints(this.#hosts.peek(host)?.learned ?? NO_ENDPOINTS);
  }

  /** Hosts of which that is known, the one not used for longest first. */
  *hostsMet(): IterableIterator<IpAddress> {
    for (const [host, { learned }] of this.#hosts.entries()) if (learned !== NO_ENDPOINTS) yield host;
  }

  /** Whether more than somebody's word speaks for this endpoint. */
  isProven(host: IpAddress, endpoint: Endpoint): boolean {
    return (
      listedEndpoints(this.#known(host).learned).includes(endpoint) ||
      (this.#static.get(host)?.includes(endpoint) ?? false)
    );
  }

  /** Who says that the host is there. */
  ownersOf(host: IpAddress, endpoint: Endpoint): readonly IpAddress[] {
    return listsOf(this.#known(host).said).flatMap(({ owner, endpoints }) =>
      listedEndpoints(endpoints).includes(endpoint) ? [owner] : [],
    );
  }

  #all(host: IpAddress): readonly Endpoint[] {
    const { learned, said } = this.#known(host);
    const words = listsOf(said).flatMap(({ endpoints }) => listedEndpoints(endpoints));
    return [...(this.#static.get(host) ?? []), ...listedEndpoints(learned), ...words];
  }

  #known(host: IpAddress): Known {
    return this.#hosts.get(host) ?? NOTHING;
  }
}

const NOTHING: Known = { learned: NO_ENDPOINTS, said: undefined };

function listsOf(said: Said | undefined): readonly Said[] {
  const lists: Said[] = [];
  for (let one = said; one; one = one.next) lists.push(one);
  return lists;
}

function linked(lists: readonly Omit<Said, "next">[]): Said | undefined {
  return lists.reduceRight<Said | undefined>((next, { owner, endpoints }) => ({ owner, endpoints, next }), undefined);
}
