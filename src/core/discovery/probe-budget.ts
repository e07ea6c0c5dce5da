import { Pace } from "../base/pace.ts";
import type { Instant } from "../base/time.ts";
import type { IpAddress } from "../netip/address.ts";
import type { Endpoint } from "../netip/endpoint.ts";

/** What goes to a place before anybody has proved to be there: message 1 of a handshake, and the byte that opens a router. */
export type ProbeKind = "call" | "punch";

/** To one place that never answered, whoever names it, for whatever host: one whole call, and then a trickle for when it wakes up. */
const PER_ENDPOINT = {
  call: { burst: 10, intervalMs: 3_000 },
  punch: { burst: 4, intervalMs: 3_000 },
} as const;
/** To all places that one lighthouse names: a host that starts with a thousand peers, and no more than 256 (128) a second in the long run. */
const PER_OWNER = {
  call: { burst: 4_096, intervalMs: 1_000 / 256 },
  punch: { burst: 512, intervalMs: 1_000 / 128 },
} as const;
/** Places remembered. The one that goes may be called anew, as far as the lighthouse that names it has something left. */
const ENDPOINTS_MAX = 16_384;
/** Lighthouses and, on a lighthouse, hosts that name places. */
const OWNERS_MAX = 1_024;

/**
 * What this host sends to places that only somebody's word speaks for. A lighthouse can name any place in the world, and cannot be told from one
 * that is mistaken; so every place has a budget of its own, whoever names it, and everybody who names places has one, so that
 * none takes from the others.
 */
export class ProbeBudget {
  readonly #endpoints = {
    call: new Pace<Endpoint>(PER_ENDPOINT.call, ENDPOINTS_MAX),
    punch: new Pace<Endpoint>(PER_ENDPOINT.punch, ENDPOINTS_MAX),
  };
  readonly #owners = {
    call: new Pace<IpAddress>(PER_OWNER.call, OWNERS_MAX),
    punch: new Pace<IpAddress>(PER_OWNER.punch, OWNERS_MAX),
  };

  /** One more probe to a place that any of these has named; false when it must not be sent. */
  take(kind: ProbeKind, endpoint: Endpoint, namedBy: readonly IpAddress[], now: Instant): boolean {
    const endpoints = this.#endpoints[kind];
    const owners = this.#owners[kind];
    const payer = namedBy.find((owner) => owners.has(owner, now));
    if (payer === undefined || !endpoints.has(endpoint, now)) return false;
    return owners.take(payer, now) && endpoints.take(endpoint, now);
  }
}
