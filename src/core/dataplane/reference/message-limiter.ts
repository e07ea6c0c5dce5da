import { LruMap } from "../../base/lru.ts";
import type { Instant } from "../../base/time.ts";
import { type Rate, TokenBucket } from "../../base/token-bucket.ts";
import type { IpAddress } from "../../netip/address.ts";

/** Peers remembered; the one that goes starts full again. */
const PEERS_MAX = 4096;

/**
 * What becomes of what a peer sends: the data plane answers a message; the control plane is told; a packet that no rule allows is answered; an ICMP
 * error passes because of the flow that it is about, from the peer or to it.
 */
export type Order = "answer" | "tell" | "reject" | "error-in" | "error-out";

const RATES: Readonly<Record<Order, Rate>> = {
  answer: { perSecond: 100, burst: 200 },
  // A host that starts asks its lighthouse for everybody whom it has to call.
  tell: { perSecond: 100, burst: 500 },
  reject: { perSecond: 100, burst: 100 },
  "error-in": { perSecond: 100, burst: 100 },
  "error-out": { perSecond: 100, burst: 100 },
};

/** What each peer may still order with authentic messages, all its sessions together (SEMANTICS 6.1). */
export class MessageLimiter {
  readonly #peers = new LruMap<IpAddress, Partial<Record<Order, TokenBucket>>>(PEERS_MAX);

  /** Whether one more message of this peer may be carried out. */
  admits(peer: IpAddress, order: Order, now: Instant): boolean {
    const budget = this.#peers.getOrMake(peer, () => ({}));
    budget[order] ??= new TokenBucket(RATES[order]);
    return budget[order].take(now);
  }
}
