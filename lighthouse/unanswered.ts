import { LruMap } from "../src/core/base/lru.ts";
import type { Instant } from "../src/core/base/time.ts";
import type { CertificateVersion } from "../src/core/cert/certificate.ts";
import type { IpAddress } from "../src/core/netip/address.ts";

/** Somebody who waits to hear of a host. */
export interface Waiting {
  readonly asker: IpAddress;
  /** Of the question, and so of the answer. */
  readonly dialect: CertificateVersion;
}

/** Hosts that are waited for at once; the one asked about longest ago goes. */
const TARGETS_MAX = 4_096;
/** Askers that wait for one of them. Whoever comes later asks again. */
const WAITING_MAX = 16;
/** An answer that takes longer is of no use to the call that it was for. */
const ANSWER_WITHIN_MS = 5_000;

/** Questions for hosts that are not known here, until the host itself or another lighthouse says more. */
export class Unanswered {
  readonly #waiting = new LruMap<IpAddress, { askers: readonly Waiting[]; at: Instant }>(TARGETS_MAX);

  /** Somebody waits; false when too many do already. */
  add(target: IpAddress, waiting: Waiting, now: Instant): boolean {
    const askers = this.#askersOf(target, now).filter(({ asker }) => asker !== waiting.asker);
    if (askers.length >= WAITING_MAX) return false;
    this.#waiting.set(target, { askers: [...askers, waiting], at: now });
    return true;
  }

  /** Who waits to hear of this host. The first answer is the answer: nobody waits any more. */
  answered(target: IpAddress, now: Instant): readonly Waiting[] {
    // Nearly always: a host reports again, and nobody waits for it.
    if (this.#waiting.size === 0) return [];
    const askers = this.#askersOf(target, now);
    this.#waiting.delete(target);
    return askers;
  }

  #askersOf(target: IpAddress, now: Instant): readonly Waiting[] {
    const known = this.#waiting.peek(target);
    return known && now - known.at <= ANSWER_WITHIN_MS ? known.askers : [];
  }
}
