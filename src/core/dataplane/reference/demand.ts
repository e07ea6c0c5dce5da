import type { Instant } from "../../base/time.ts";
import { type Rate, TokenBucket } from "../../base/token-bucket.ts";
import type { IpAddress } from "../../netip/address.ts";

/** Destinations without a tunnel that are remembered; a host that scans makes itself forget, and asks once more. */
const DESTINATIONS_MAX = 4096;
const INTERVAL_MS = 1000;
/** Asked for in all: who scans more destinations than are remembered would ask with every packet. */
const ASKED: Rate = { perSecond: 1000, burst: 8192 };

/** For which destinations a tunnel has been asked for lately, so that a flood of packets becomes one question a second. */
export class Demand {
  /** In the order of asking. */
  readonly #askedAt = new Map<IpAddress, Instant>();
  readonly #asks = new TokenBucket(ASKED);

  /** Whether to ask now; if so, that counts as asked. */
  isDue(destination: IpAddress, now: Instant): boolean {
    const askedAt = this.#askedAt.get(destination);
    if (askedAt !== undefined && now - askedAt < INTERVAL_MS) return false;
    if (!this.#asks.take(now)) return false;
    this.#askedAt.delete(destination);
    this.#askedAt.set(destination, now);
    if (this.#askedAt.size > DESTINATIONS_MAX) this.#forgetOldest();
    return true;
  }

  #forgetOldest(): void {
    for (const destination of this.#askedAt.keys()) {
      this.#askedAt.delete(destination);
      return;
    }
  }
}
