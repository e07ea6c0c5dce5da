import { LruMap } from "../../base/lru.ts";
import type { Instant } from "../../base/time.ts";
import { TokenBucket } from "../../base/token-bucket.ts";
import type { IpAddress } from "../../netip/address.ts";
import { DATAGRAM_BYTES_MAX } from "../../wire/header.ts";

/** Peers remembered; the one that goes starts full again. */
const PEERS_MAX = 4096;

/** How much each peer may have forwarded, all its sessions together (SEMANTICS 2.2). */
export class RelayQuota {
  #kilobytes = 0;
  #peers = new LruMap<IpAddress, TokenBucket>(PEERS_MAX);

  /** Whether so many bytes of this peer may go on, at so many thousands of bytes a second. 0: no limit. */
  admits(peer: IpAddress, bytes: number, kilobytes: number, now: Instant): boolean {
    if (kilobytes === 0) return true;
    if (kilobytes !== this.#kilobytes) this.#restart(kilobytes);
    const perSecond = kilobytes * 1000;
    const rate = { perSecond, burst: Math.max(perSecond, DATAGRAM_BYTES_MAX) };
    return this.#peers.getOrMake(peer, () => new TokenBucket(rate)).take(now, bytes);
  }

  #restart(kilobytes: number): void {
    this.#kilobytes = kilobytes;
    this.#peers = new LruMap(PEERS_MAX);
  }
}
