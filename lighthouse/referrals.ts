import { LruMap } from "../src/core/base/lru.ts";
import { Pace } from "../src/core/base/pace.ts";
import type { Instant } from "../src/core/base/time.ts";
import type { CertificateVersion } from "../src/core/cert/certificate.ts";
import type { IpAddress } from "../src/core/netip/address.ts";

/** Somebody who waits for what another lighthouse knows. */
export interface Waiting {
  readonly asker: IpAddress;
  /** Of the question, and so of the answer. */
  readonly dialect: CertificateVersion;
}

/** Hosts that other lighthouses were asked about at once; the one asked about longest ago goes. */
const TARGETS_MAX = 4_096;
/** Askers that wait for one of them. Whoever comes later asks again. */
const WAITING_MAX = 16;
/** Askers whose questions are counted. Whoever is forgotten starts anew. */
const ASKERS_MAX = 4_096;
/** An answer that takes longer is of no use to the call that it was for. */
const ANSWER_WITHIN_MS = 5_000;
/** Of one asker: a host that starts asks for everybody whom it has to call, and who asks for nobody that exists is slowed down. */
const PER_ASKER = { burst: 100, intervalMs: 100 } as const;
/** Of all: as many as the data plane of another lighthouse takes of one peer, with room for what else there is to say (SEMANTICS 6.1). */
const IN_ALL = { burst: 400, intervalMs: 12.5 } as const;

/** Questions that were passed on to other lighthouses, and who waits for the answers. */
export class Referrals {
  readonly #waiting = new LruMap<IpAddress, { askers: readonly Waiting[]; at: Instant }>(TARGETS_MAX);
  readonly #perAsker = new Pace<IpAddress>(PER_ASKER, ASKERS_MAX);
  readonly #inAll = new Pace<"">(IN_ALL, 1);

  /** Somebody asks for a host that is not known here; false when his question is not passed on. */
  ask(target: IpAddress, waiting: Waiting, now: Instant): boolean {
    const askers = this.#askersOf(target, now).filter(({ asker }) => asker !== waiting.asker);
    if (askers.length >= WAITING_MAX || !this.#perAsker.has(waiting.asker, now) || !this.#inAll.take("", now))
      return false;
    this.#perAsker.take(waiting.asker, now);
    this.#waiting.set(target, { askers: [...askers, waiting], at: now });
    return true;
  }

  /** Who waits to hear of this host. The first answer is the answer: nobody waits any more. */
  answered(target: IpAddress, now: Instant): readonly Waiting[] {
    const askers = this.#askersOf(target, now);
    this.#waiting.delete(target);
    return askers;
  }

  #askersOf(target: IpAddress, now: Instant): readonly Waiting[] {
    const known = this.#waiting.peek(target);
    return known && now - known.at <= ANSWER_WITHIN_MS ? known.askers : [];
  }
}
