import { type Instant, later } from "../base/time.ts";
import type { PunchySettings } from "../config/settings.ts";
import type { IpAddress } from "../netip/address.ts";
import type { Endpoint } from "../netip/endpoint.ts";

/** One byte each; receivers ignore them, routers in between remember the mapping (protocol 6). */
export const PUNCH: Uint8Array = Uint8Array.of(0);
export const KEEPALIVE: Uint8Array = Uint8Array.of(1);

/** What is due. */
export type PunchAction =
  | { readonly kind: "punch"; readonly endpoints: readonly Endpoint[] }
  /** `punchy.respond`: an empty test request through the tunnel, which is built when there is none. */
  | { readonly kind: "respond"; readonly to: IpAddress };

/** Notifications at once. Each names at most twenty endpoints, each good for one byte. */
const SCHEDULED_MAX = 1024;

/**
 * Hole punching towards hosts that a lighthouse says are looking for us: one byte to each of their endpoints after `punchy.delay`, so that
 * our router lets their handshake in. Not conditional on `punchy.punch` (protocol 6).
 */
export class Punches {
  #due: { readonly at: Instant; readonly action: PunchAction }[] = [];

  /** Takes a notification; false when too many are waiting. */
  notified(from: IpAddress, endpoints: readonly Endpoint[], settings: PunchySettings, now: Instant): boolean {
    if (this.#due.length + 2 > SCHEDULED_MAX) return false;
    if (endpoints.length > 0) this.#schedule(later(now, settings.delayMs), { kind: "punch", endpoints });
    if (settings.respond) this.#schedule(later(now, settings.respondDelayMs), { kind: "respond", to: from });
    return true;
  }

  popDue(now: Instant): PunchAction | undefined {
    const [first] = this.#due;
    if (!first || first.at > now) return undefined;
    this.#due.shift();
    return first.action;
  }

  nextAt(): Instant | undefined {
    return this.#due[0]?.at;
  }

  clear(): void {
    this.#due = [];
  }

  /** In the order of time; equal times in the order of arrival. */
  #schedule(at: Instant, action: PunchAction): void {
    const place = this.#due.findIndex((entry) => entry.at > at);
    this.#due.splice(place < 0 ? this.#due.length : place, 0, { at, action });
  }
}
