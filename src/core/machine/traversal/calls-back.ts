import { LruMap } from "../../base/lru.ts";
import { Pace } from "../../base/pace.ts";
import { type Instant, later } from "../../base/time.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import type { IpAddress } from "../../netip/address.ts";

/** On the word of one lighthouse: each can cost a handshake. */
const PER_LIGHTHOUSE = { burst: 64, intervalMs: 125 } as const;
/** Of hosts whose calls did not get through. Where lighthouses are honest there are few. */
const LATE_PER_LIGHTHOUSE = { burst: 8, intervalMs: 1_000 } as const;
const LIGHTHOUSES_MAX = 64;
/** Hosts that are called back at once. */
const HOSTS_MAX = 1_024;
/** One host is called back late no more often than this. */
const PER_HOST_INTERVAL_MS = 30_000;
/** The time that a call takes if there is nothing in the way. */
const LATE_MS = 500;

/** Whom we call back who is said to call us, and when. */
export class CallsBack {
  readonly #due = new TimerQueue<IpAddress>();
  /** Hosts that are left some time, with the lighthouse that has named them. */
  readonly #late = new Map<IpAddress, IpAddress>();
  readonly #last = new LruMap<IpAddress, Instant>(HOSTS_MAX);
  readonly #perLighthouse = new Pace<IpAddress>(PER_LIGHTHOUSE, LIGHTHOUSES_MAX);
  readonly #latePerLighthouse = new Pace<IpAddress>(LATE_PER_LIGHTHOUSE, LIGHTHOUSES_MAX);

  /** This host cannot get through to us. */
  atOnce(host: IpAddress, lighthouse: IpAddress, now: Instant): void {
    if (this.#due.size < HOSTS_MAX && this.#perLighthouse.take(lighthouse, now)) this.#due.schedule(host, now);
  }

  /** This host may not get through. */
  late(host: IpAddress, lighthouse: IpAddress, now: Instant): void {
    const last = this.#last.get(host);
    if (this.#due.size >= HOSTS_MAX || (last !== undefined && now - last < PER_HOST_INTERVAL_MS)) return;
    this.#last.set(host, now);
    this.#late.set(host, lighthouse);
    this.#due.schedule(host, later(now, LATE_MS));
  }

  nextAt(): Instant | undefined {
    return this.#due.next()?.at;
  }

  /** Whom to call now; not those who have come through. */
  *takeDue(now: Instant, isThere: (host: IpAddress) => boolean): Iterable<IpAddress> {
    for (const host of this.#due.takeDue(now)) {
      const lighthouse = this.#late.get(host);
      this.#late.delete(host);
      if (isThere(host)) continue;
      if (lighthouse === undefined || this.#latePerLighthouse.take(lighthouse, now)) yield host;
    }
  }

  stop(): void {
    this.#late.clear();
    this.#due.clear();
  }
}
