import { Pace } from "../base/pace.ts";
import { type Instant, later } from "../base/time.ts";
import type { PunchySettings } from "../config/settings.ts";
import type { IpAddress } from "../netip/address.ts";
import { type Endpoint, firstOfEachFamily } from "../netip/endpoint.ts";

/** One byte each; receivers ignore them, routers in between remember the mapping (protocol 6). */
export const PUNCH: Uint8Array = Uint8Array.of(0);
export const KEEPALIVE: Uint8Array = Uint8Array.of(1);

/** What is due. */
export type PunchAction =
  | { readonly kind: "punch"; readonly host: IpAddress; readonly named: ReadonlyMap<Endpoint, IpAddress> }
  /** `punchy.respond`: an empty test request through the tunnel, which is built when there is none. */
  | { readonly kind: "respond"; readonly host: IpAddress };

/** Somebody is about to call, says a lighthouse. */
export interface PunchNotice {
  readonly lighthouse: IpAddress;
  /** Who. */
  readonly host: IpAddress;
  /** From where, the most useful first. */
  readonly endpoints: readonly Endpoint[];
}

/** Notified hosts at once. Each is good for a handful of bytes, and for one call back. */
const SCHEDULED_MAX = 1024;
/** Endpoints of one notice that count, of each family: where the host was seen, and the interfaces that it names first. */
const PER_FAMILY_MAX = 5;
/** Endpoints of one host, when several lighthouses speak of it: they may see it through different mappings. */
const PER_HOST_MAX = 20;
/** Call backs that one lighthouse may order: each can cost a handshake. */
const RESPONDS = { burst: 64, intervalMs: 125 } as const;
const LIGHTHOUSES_MAX = 64;

interface Scheduled {
  readonly at: Instant;
  readonly kind: PunchAction["kind"];
  readonly host: IpAddress;
  readonly lighthouse: IpAddress;
  /** Who named which endpoint. */
  readonly named: Map<Endpoint, IpAddress>;
}

/**
 * Hole punching towards hosts that a lighthouse says are looking for us: one byte to each of their endpoints after `punchy.delay`, so that
 * our router lets their handshake in. Not conditional on `punchy.punch` (protocol 6). Notices about a host that is waited for already add
 * to what is known about it and to nothing else; when too many hosts wait, the lighthouse that named most of them loses.
 */
export class Punches {
  #due: Scheduled[] = [];
  readonly #responds = new Pace<IpAddress>(RESPONDS, LIGHTHOUSES_MAX);

  /** Takes a notice; false when too many are waiting, and most of them from this lighthouse. */
  notified(notice: PunchNotice, settings: PunchySettings, now: Instant): boolean {
    const { lighthouse } = notice;
    const named = firstOfEachFamily(notice.endpoints, PER_FAMILY_MAX);
    const punches = named.length === 0 || this.#punch(notice, named, later(now, settings.delayMs));
    const mayRespond = settings.respond && !this.#find("respond", notice.host) && this.#responds.take(lighthouse, now);
    if (mayRespond)
      this.#schedule({ ...notice, kind: "respond", at: later(now, settings.respondDelayMs), named: new Map() });
    return punches;
  }

  popDue(now: Instant): PunchAction | undefined {
    const [first] = this.#due;
    if (!first || first.at > now) return undefined;
    this.#due.shift();
    return first;
  }

  nextAt(): Instant | undefined {
    return this.#due[0]?.at;
  }

  clear(): void {
    this.#due = [];
  }

  #punch({ lighthouse, host }: PunchNotice, endpoints: readonly Endpoint[], at: Instant): boolean {
    const waiting = this.#find("punch", host);
    const named = waiting?.named ?? new Map<Endpoint, IpAddress>();
    for (const endpoint of endpoints)
      if (named.size < PER_HOST_MAX && !named.has(endpoint)) named.set(endpoint, lighthouse);
    return waiting !== undefined || this.#schedule({ kind: "punch", host, lighthouse, at, named });
  }

  #find(kind: PunchAction["kind"], host: IpAddress): Scheduled | undefined {
    return this.#due.find((entry) => entry.kind === kind && entry.host === host);
  }

  /** In the order of time; equal times in the order of arrival. */
  #schedule(entry: Scheduled): boolean {
    if (this.#due.length >= SCHEDULED_MAX && !this.#makeRoomFor(entry.lighthouse)) return false;
    const place = this.#due.findIndex((other) => other.at > entry.at);
    this.#due.splice(place < 0 ? this.#due.length : place, 0, entry);
    return true;
  }

  /** The newest of whoever has most goes, unless that is this one. */
  #makeRoomFor(lighthouse: IpAddress): boolean {
    const counts = new Map<IpAddress, number>([[lighthouse, 1]]);
    for (const entry of this.#due) counts.set(entry.lighthouse, (counts.get(entry.lighthouse) ?? 0) + 1);
    const [most] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a));
    if (most === lighthouse) return false;
    this.#due.splice(
      this.#due.findLastIndex((entry) => entry.lighthouse === most),
      1,
    );
    return true;
  }
}
