import { LruMap } from "../../base/lru.ts";
import type { Instant } from "../../base/time.ts";
import { type Rate, TokenBucket } from "../../base/token-bucket.ts";
import type { IpAddress } from "../../netip/address.ts";
import { ADDRESS, type Division, HOST, keyOf, NETWORK } from "../../netip/division.ts";
import type { Standing } from "../standing.ts";

/**
 * Handshake messages 1 that may cost a signature check (R11). Whoever repeats himself need not wait behind those who do not, and neither costs
 * somebody known a token.
 */
export function message1Limiter(): SourceLimiter {
  return new SourceLimiter([
    { rate: { perSecond: 20, burst: 40 }, of: HOST },
    { rate: { perSecond: 200, burst: 400 }, of: NETWORK, standings: ["first"] },
    { rate: { perSecond: 2000, burst: 2000 }, of: "everybody", standings: ["known"] },
    { rate: { perSecond: 1000, burst: 1000 }, of: "everybody", standings: ["repeated"] },
    { rate: { perSecond: 500, burst: 500 }, of: "everybody", standings: ["first"] },
  ]);
}

/** Handshake messages 2. They cost a look at a table, and an answer that we wait for is repeated: this bounds a flood. */
export function message2Limiter(): SourceLimiter {
  return new SourceLimiter([
    { rate: { perSecond: 200, burst: 400 }, of: HOST },
    { rate: { perSecond: 4000, burst: 4000 }, of: "everybody", standings: ["known"] },
    { rate: { perSecond: 200, burst: 400 }, of: "everybody", standings: ["repeated", "first"] },
  ]);
}

/** recv_error, in either direction: an unauthenticated packet of 16 bytes (R12, R13). */
export function recvErrorLimiter(): SourceLimiter {
  return new SourceLimiter([
    { rate: { perSecond: 5, burst: 10 }, of: ADDRESS },
    { rate: { perSecond: 100, burst: 100 }, of: "everybody", standings: ["known"] },
    { rate: { perSecond: 100, burst: 100 }, of: "everybody", standings: ["repeated", "first"] },
  ]);
}

/** What a datagram costs: one token for each 1,500 bytes begun, which is what an ordinary handshake fits in. */
export function tokensOf(datagram: Uint8Array): number {
  return Math.max(Math.ceil(datagram.length / TOKEN_BYTES), 1);
}

/** One way to divide sources, each with a bucket of its own. */
interface Tier {
  readonly rate: Rate;
  readonly of: Division;
  /** Whom it concerns; everybody when left out. */
  readonly standings?: readonly Standing[];
}

/** Token buckets in tiers. Every tier for this standing must have the tokens; only then each gives them. */
export class SourceLimiter {
  readonly #tiers: readonly { readonly tier: Tier; readonly buckets: LruMap<string, TokenBucket> }[];

  constructor(tiers: readonly Tier[]) {
    this.#tiers = tiers.map((tier) => ({ tier, buckets: new LruMap(BUCKETS_MAX) }));
  }

  admits(source: IpAddress, { standing, tokens }: { standing: Standing; tokens: number }, now: Instant): boolean {
    const concerned = this.#tiers.filter(({ tier }) => tier.standings?.includes(standing) ?? true);
    const buckets = concerned.map(({ tier, buckets }) =>
      buckets.getOrMake(keyOf(tier.of, source), () => new TokenBucket(tier.rate)),
    );
    if (!buckets.every((bucket) => bucket.has(now, tokens))) return false;
    for (const bucket of buckets) bucket.take(now, tokens);
    return true;
  }
}

/** Sources remembered in one tier. The one that goes starts full again: forging sources buys what the wider tiers allow. */
const BUCKETS_MAX = 4096;
const TOKEN_BYTES = 1500;
