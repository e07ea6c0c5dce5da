import { LruMap } from "../../base/lru.ts";
import type { Instant } from "../../base/time.ts";
import { type Rate, TokenBucket } from "../../base/token-bucket.ts";
import { familyOf, type IpAddress } from "../../netip/address.ts";
import { type Endpoint, endpointAddress } from "../../netip/endpoint.ts";
import { formatPrefix, masked } from "../../netip/prefix.ts";

/** Handshake messages 1 that may cost a signature check (R11). */
export function handshakeLimiter(): SourceLimiter {
  return new SourceLimiter([
    { rate: { perSecond: 20, burst: 40 }, bits: { 4: 32, 6: 64 } },
    { rate: { perSecond: 200, burst: 400 }, bits: { 4: 24, 6: 48 } },
    { rate: { perSecond: 2000, burst: 1000 }, bits: "all" },
  ]);
}

/** Handshake messages 2. They cost a look at a table, and an answer that we wait for is repeated: this bounds a flood. */
export function answerLimiter(): SourceLimiter {
  return new SourceLimiter([
    { rate: { perSecond: 200, burst: 400 }, bits: { 4: 32, 6: 64 } },
    { rate: { perSecond: 4000, burst: 4000 }, bits: "all" },
  ]);
}

/** recv_error, in either direction: an unauthenticated packet of 16 bytes (R12, R13). */
export function recvErrorLimiter(): SourceLimiter {
  return new SourceLimiter([
    { rate: { perSecond: 100, burst: 100 }, bits: "all" },
    { rate: { perSecond: 5, burst: 10 }, bits: { 4: 32, 6: 128 } },
  ]);
}

/** One way to divide sources: each prefix of that many bits has a bucket of its own; "all": one bucket for everybody. */
interface Tier {
  readonly rate: Rate;
  readonly bits: { readonly 4: number; readonly 6: number } | "all";
}

/** Token buckets in tiers. Every tier must have a token for the source; only then each gives one. */
export class SourceLimiter {
  readonly #tiers: readonly { readonly tier: Tier; readonly buckets: LruMap<string, TokenBucket> }[];

  constructor(tiers: readonly Tier[]) {
    this.#tiers = tiers.map((tier) => ({ tier, buckets: new LruMap(BUCKETS_MAX) }));
  }

  admits(source: Endpoint, now: Instant): boolean {
    const address = endpointAddress(source);
    const buckets = this.#tiers.map(({ tier, buckets }) => {
      const key = keyOf(tier, address);
      const bucket = buckets.get(key) ?? new TokenBucket(tier.rate);
      buckets.set(key, bucket);
      return bucket;
    });
    if (!buckets.every((bucket) => bucket.has(now))) return false;
    for (const bucket of buckets) bucket.take(now);
    return true;
  }
}

/** Sources remembered in one tier. The one that goes starts full again: forging sources buys what the wider tiers allow. */
const BUCKETS_MAX = 4096;

function keyOf({ bits }: Tier, address: IpAddress): string {
  return bits === "all" ? "" : formatPrefix(masked({ address, bits: bits[familyOf(address)] }));
}
