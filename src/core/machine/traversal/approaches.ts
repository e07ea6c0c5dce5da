import { LruMap } from "../../base/lru.ts";
import { type Instant, later } from "../../base/time.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import type { IpAddress } from "../../netip/address.ts";
import { type Endpoint, endpointAddress } from "../../netip/endpoint.ts";

/** A stranger's packet is in the way of a translator for so long. */
const PER_HOST_INTERVAL_MS = 30_000;
/** Hosts that are approached at once. */
const HOSTS_MAX = 1_024;

interface Approach {
  readonly translator: IpAddress;
  readonly since: Instant;
  readonly until: Instant;
}

/**
 * Hosts behind translators that we call for the first time. A router without a guard keeps the packet of a stranger in its table: when the host behind
 * it answers from the same port, that one is taken and it gets another, at which the caller does not look. So the caller waits a moment for the
 * host to be first.
 */
export class Approaches {
  readonly #approaches = new LruMap<IpAddress, Approach>(HOSTS_MAX);
  readonly #due = new TimerQueue<IpAddress>();

  /** We are about to call this host, which is seen at this address, and wait so long; false when we have just been. */
  begin(host: IpAddress, translator: IpAddress, waitMs: number, now: Instant): boolean {
    const last = this.#approaches.get(host);
    if (last && last.translator === translator && now - last.since < PER_HOST_INTERVAL_MS) return false;
    if (this.#due.size >= HOSTS_MAX) return false;
    const until = later(now, waitMs);
    this.#approaches.set(host, { translator, since: now, until });
    this.#due.schedule(host, until);
    return true;
  }

  /** Whether nothing is sent there yet. */
  isHeld(host: IpAddress, at: Endpoint, now: Instant): boolean {
    const approach = this.#approaches.get(host);
    return approach !== undefined && now < approach.until && endpointAddress(at) === approach.translator;
  }

  nextAt(): Instant | undefined {
    return this.#due.next()?.at;
  }

  /** Hosts that can be called now. */
  takeDue(now: Instant): Iterable<IpAddress> {
    return this.#due.takeDue(now);
  }

  stop(): void {
    this.#due.clear();
  }
}
