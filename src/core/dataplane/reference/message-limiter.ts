import { LruMap } from "../../base/lru.ts";
import type { Instant } from "../../base/time.ts";
import { type Rate, TokenBucket } from "../../base/token-bucket.ts";
import type { IpAddress } from "../../netip/address.ts";

/** Peers remembered; the one that goes starts full again. */
const PEERS_MAX = 4096;
/** Test requests, each of which costs a datagram. */
const ANSWERED: Rate = { perSecond: 100, burst: 200 };
/** Messages to the control plane. A host that starts asks its lighthouse for everybody whom it has to call. */
const TOLD: Rate = { perSecond: 100, burst: 500 };

/** What becomes of a message: the data plane answers it, or the control plane is told. */
export type Order = "answer" | "tell";

/** What each peer may still order with authentic messages, all its sessions together (SEMANTICS 6.1). */
export class MessageLimiter {
  readonly #peers = new LruMap<IpAddress, Readonly<Record<Order, TokenBucket>>>(PEERS_MAX);

  /** Whether one more message of this peer may be carried out. */
  admits(peer: IpAddress, order: Order, now: Instant): boolean {
    const budget = this.#peers.get(peer) ?? { answer: new TokenBucket(ANSWERED), tell: new TokenBucket(TOLD) };
    this.#peers.set(peer, budget);
    return budget[order].take(now);
  }
}
