import { Pace } from "../../core/base/pace.ts";
import { Shares } from "../../core/base/shares.ts";
import type { Instant } from "../../core/base/time.ts";
import { TokenBucket } from "../../core/base/token-bucket.ts";
import type { CarrierDrop } from "./ledger.ts";

/** Connections at once: each takes two descriptors and up to half a megabyte when its other end reads slowly. */
const CONNECTIONS_MAX = 1_024;
/** Of them from one address: an office behind one, whose UDP is blocked. */
const PER_ADDRESS_MAX = 256;
/** Of them by nobody knows whom yet; past it the address that has most loses its oldest. */
const UNPROVEN_MAX = 128;
/** A handshake of TLS costs us about a millisecond: a tenth of a core for all who connect. */
const CONNECTS = { perSecond: 100, burst: 200 } as const;
const CONNECTS_OF_ADDRESS = { burst: 20, intervalMs: 200 } as const;
/** Addresses whose connections are paced. One that is forgotten starts anew. */
const ADDRESSES_MAX = 4_096;

/** A connection that was let in. */
export interface Guest {
  readonly address: string;
  /** It has to go, because others need the place. */
  readonly leave: () => void;
}

/** Who may connect. Whoever has not shown who he is shares a small room, and pushes out nobody who has. */
export class Admission {
  readonly #unproven = new Shares<string, Guest>();
  readonly #byAddress = new Map<string, number>();
  readonly #all = new TokenBucket(CONNECTS);
  readonly #pace = new Pace<string>(CONNECTS_OF_ADDRESS, ADDRESSES_MAX);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Undefined: it is in. */
  enter(guest: Guest, now: Instant): CarrierDrop | undefined {
    const { address } = guest;
    if (!this.#pace.has(address, now) || !this.#all.take(now)) return "connect-limited";
    this.#pace.take(address, now);
    if (this.#size >= CONNECTIONS_MAX && this.#unproven.size === 0) return "connections-full";
    if ((this.#byAddress.get(address) ?? 0) >= PER_ADDRESS_MAX) return "connections-full";
    this.#count(address, 1);
    this.#unproven.add(address, guest);
    if (this.#unproven.size > UNPROVEN_MAX || this.#size > CONNECTIONS_MAX) this.#unproven.oldestOfLargest()?.leave();
    return undefined;
  }

  /** It is known who it is. */
  proven(guest: Guest): void {
    this.#unproven.remove(guest.address, guest);
  }

  /** It is gone. Once for each. */
  left(guest: Guest): void {
    this.#unproven.remove(guest.address, guest);
    this.#count(guest.address, -1);
  }

  #count(address: string, change: 1 | -1): void {
    const count = (this.#byAddress.get(address) ?? 0) + change;
    this.#size += change;
    if (count > 0) this.#byAddress.set(address, count);
    else this.#byAddress.delete(address);
  }
}
