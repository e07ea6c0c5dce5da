import { Pace } from "../src/core/base/pace.ts";
import type { Instant } from "../src/core/base/time.ts";
import type { IpAddress } from "../src/core/netip/address.ts";

/** Askers whose questions are counted. Whoever is forgotten starts anew. */
const ASKERS_MAX = 4_096;
/** Of one asker: a host that starts asks for everybody whom it has to call, and who asks for nobody that exists is slowed down. */
const PER_ASKER = { burst: 100, intervalMs: 100 } as const;
/** Of all: as many as the data plane of another lighthouse takes of one peer, with room for what else there is to say (SEMANTICS 6.1). */
const IN_ALL = { burst: 400, intervalMs: 12.5 } as const;

/** How many questions are passed on to other lighthouses. */
export class Referrals {
  readonly #perAsker = new Pace<IpAddress>(PER_ASKER, ASKERS_MAX);
  readonly #inAll = new Pace<"">(IN_ALL, 1);

  /** Whether one more is, of this asker. */
  take(asker: IpAddress, now: Instant): boolean {
    return this.#perAsker.has(asker, now) && this.#inAll.take("", now) && this.#perAsker.take(asker, now);
  }
}
