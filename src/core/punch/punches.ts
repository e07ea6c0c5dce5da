import { Pace } from "../base/pace.ts";
import { type Instant, later } from "../base/time.ts";
import type { PunchySettings } from "../config/settings.ts";
import type { IpAddress } from "../netip/address.ts";
import { type Endpoint, firstOfEachFamily } from "../netip/endpoint.ts";
import type { NatReport } from "../wire/nat-report.ts";
import { type Distance, turnMs } from "./turns.ts";

/** One byte each; receivers ignore them, routers in between remember the mapping (protocol 6). */
export const PUNCH: Uint8Array = Uint8Array.of(0);
export const KEEPALIVE: Uint8Array = Uint8Array.of(1);

/** What is due. */
export type PunchAction =
  | {
      readonly kind: "punch";
      readonly lighthouse: IpAddress;
      readonly host: IpAddress;
      readonly endpoints: ReadonlySet<Endpoint>;
    }
  /** `punchy.respond`: an empty test request through the tunnel, which is built when there is none. */
  | { readonly kind: "respond"; readonly host: IpAddress };

/** Somebody is about to call, says a lighthouse. */
export interface PunchNotice {
  readonly lighthouse: IpAddress;
  /** Who. */
  readonly host: IpAddress;
  /** From where, the most useful first. */
  readonly endpoints: readonly Endpoint[];
  /** What it says of its translator; a host that says nothing of that waits for nobody. */
  readonly nat: NatReport | undefined;
  /** How far we are ourselves. */
  readonly own: Distance;
}

/** Notified hosts at once. Each is good for a handful of bytes, and for one call back. */
const SCHEDULED_MAX = 1024;
/** Endpoints of one notice that count, of each family: where the host was seen, and the interfaces that it names first. */
export const PUNCHED_PER_FAMILY_MAX = 5;
/** A caller that is near has opened its own translator by then, so that ours are not the first packets there (machine/traversal). */
const EARLY_MS = 20;
/** Endpoints that one lighthouse may name for one host while it waits. */
const PER_HOST_MAX = 10;
/** Call backs that one lighthouse may order: each can cost a handshake. */
const RESPONDS = { burst: 64, intervalMs: 125 } as const;
const LIGHTHOUSES_MAX = 64;

interface Scheduled {
  readonly at: Instant;
  /** When it is done once more. */
  readonly again: Instant | undefined;
  readonly kind: PunchAction["kind"];
  readonly lighthouse: IpAddress;
  readonly host: IpAddress;
  readonly endpoints: Set<Endpoint>;
}

/**
 * Hole punching towards hosts that a lighthouse says are looking for us: one byte to each of their endpoints, and one more after `punchy.delay`, so that
 * our router lets their handshake in. Not conditional on `punchy.punch` (protocol 6). What a lighthouse says of a host that waits already adds
 * to what it has said, and to nothing else; when too many wait, the lighthouse that named most of them loses.
 */
export class Punches {
  #due: Scheduled[] = [];
  readonly #responds = new Pace<IpAddress>(RESPONDS, LIGHTHOUSES_MAX);

  /** Takes a notice; false when too many are waiting, and most of them from this lighthouse. */
  notified(notice: PunchNotice, settings: PunchySettings, now: Instant): boolean {
    const { lighthouse, host } = notice;
    const endpoints = firstOfEachFamily(notice.endpoints, PUNCHED_PER_FAMILY_MAX);
    const isTaken = endpoints.length === 0 || this.#punch(notice, endpoints, settings.delayMs, now);
    if (settings.respond && !this.#waiting("respond", host) && this.#responds.take(lighthouse, now))
      this.#schedule({
        lighthouse,
        host,
        kind: "respond",
        again: undefined,
        at: later(now, settings.respondDelayMs),
        endpoints: new Set(),
      });
    return isTaken;
  }

  popDue(now: Instant): PunchAction | undefined {
    const [first] = this.#due;
    if (!first || first.at > now) return undefined;
    this.#due.shift();
    if (first.again !== undefined) this.#schedule({ ...first, at: first.again, again: undefined });
    return first;
  }

  nextAt(): Instant | undefined {
    return this.#due[0]?.at;
  }

  clear(): void {
    this.#due = [];
  }

  #punch(
    { lighthouse, host, nat, own }: PunchNotice,
    endpoints: readonly Endpoint[],
    delayMs: number,
    now: Instant,
  ): boolean {
    const waiting = this.#waiting("punch", host, lighthouse);
    if (!waiting) {
      const firstMs = nat === undefined || nat.mapping === "none" ? 0 : turnMs(own, nat, EARLY_MS);
      const again = delayMs > firstMs ? later(now, delayMs) : undefined;
      const at = later(now, firstMs);
      return this.#schedule({ kind: "punch", lighthouse, host, at, again, endpoints: new Set(endpoints) });
    }
    for (const endpoint of endpoints) if (waiting.endpoints.size < PER_HOST_MAX) waiting.endpoints.add(endpoint);
    return true;
  }

  #waiting(kind: PunchAction["kind"], host: IpAddress, lighthouse?: IpAddress): Scheduled | undefined {
    const isIt = (other: Scheduled): boolean => other.kind === kind && other.host === host;
    return this.#due.find((other) => isIt(other) && (lighthouse === undefined || other.lighthouse === lighthouse));
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
