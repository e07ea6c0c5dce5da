import { LruMap } from "../base/lru.ts";
import { Pace, type PaceLimit } from "../base/pace.ts";
import type { Instant } from "../base/time.ts";
import type { IpAddress } from "../netip/address.ts";
import { type Endpoint, endpointAddress } from "../netip/endpoint.ts";

/** What goes to a place before anybody has proved to be there: message 1 of a handshake, and the byte that opens a router. */
export type ProbeKind = "call" | "punch";

interface ProbeLimits {
  readonly endpoint: PaceLimit;
  readonly address: PaceLimit;
  readonly all: PaceLimit;
}

/**
 * To one place that never answered: one whole call, and then a trickle for when it wakes up. To one address: the hosts of an office behind it.
 * In all: a host that starts with a thousand peers, or that a hundred call at once; every punch takes a place in the tables of the routers on the
 * way, and many of them have only a few hundred.
 */
const LIMITS: Readonly<Record<ProbeKind, ProbeLimits>> = {
  call: {
    endpoint: { burst: 10, intervalMs: 3_000 },
    address: { burst: 200, intervalMs: 100 },
    all: { burst: 4_000, intervalMs: 4 },
  },
  punch: {
    endpoint: { burst: 4, intervalMs: 3_000 },
    address: { burst: 100, intervalMs: 100 },
    all: { burst: 200, intervalMs: 40 },
  },
};
/** Places remembered for each who names them. The one that goes starts anew, as far as the other limits allow. */
const PLACES_MAX = 4_096;
/** Lighthouses and, on a lighthouse, hosts that name places. */
const OWNERS_MAX = 256;

/**
 * What this host sends to places that only somebody's word speaks for. A lighthouse can name any place in the world, and one that lies cannot
 * be told from one that is mistaken. So each has a budget of its own for every place, every address and all together: what one says costs the others
 * nothing, and whoever is named gets a handful of datagrams for it.
 */
export class ProbeBudget {
  readonly #owners = {
    call: new LruMap<IpAddress, Purse>(OWNERS_MAX),
    punch: new LruMap<IpAddress, Purse>(OWNERS_MAX),
  };

  /** One more probe to a place that `owner` has named; false when it must not be sent. */
  take(kind: ProbeKind, owner: IpAddress, endpoint: Endpoint, now: Instant): boolean {
    return this.#owners[kind].getOrMake(owner, () => new Purse(LIMITS[kind])).take(endpoint, now);
  }
}

class Purse {
  readonly #endpoints: Pace<Endpoint>;
  readonly #addresses: Pace<IpAddress>;
  readonly #all: Pace<"">;

  constructor({ endpoint, address, all }: ProbeLimits) {
    this.#endpoints = new Pace(endpoint, PLACES_MAX);
    this.#addresses = new Pace(address, PLACES_MAX);
    this.#all = new Pace(all, 1);
  }

  take(endpoint: Endpoint, now: Instant): boolean {
    const address = endpointAddress(endpoint);
    if (!this.#endpoints.has(endpoint, now) || !this.#addresses.has(address, now) || !this.#all.take("", now))
      return false;
    return this.#endpoints.take(endpoint, now) && this.#addresses.take(address, now);
  }
}
