import { LruMap } from "../../base/lru.ts";
import type { Instant } from "../../base/time.ts";
import type { IpAddress } from "../../netip/address.ts";
import { type Endpoint, endpointAddress } from "../../netip/endpoint.ts";

/**
 * Addresses with credit. The one that earned nothing for longest goes, and with it what it had: then it is answered by a later repetition. As many
 * come in two seconds of the most that the limiters let through, and a repetition comes after a tenth.
 */
const CREDIT_SOURCES_MAX = 4096;
/** What an address can save up: the longest answer there is, and its probes. */
const CREDIT_BYTES_MAX = 16_384;
/** As long as an answered session waits for proof; after that nothing is owed any more. */
const CREDIT_LIFE_MS = 10_000;
/** What a datagram costs besides its bytes: IPv6 and UDP headers. Counted where we send, and not where we receive. */
const DATAGRAM_OVERHEAD_BYTES = 48;

/**
 * What may be sent to an address because of datagrams that prove nothing: never more than came from it, so that nobody who writes somebody else's
 * address on his datagrams gains by it. All that is kept is what is left; forgetting an address is always safe.
 */
export class AnswerCredit {
  readonly #accounts = new LruMap<IpAddress, { readonly bytes: number; readonly earnedAt: Instant }>(
    CREDIT_SOURCES_MAX,
  );

  /** A datagram came. */
  earn(source: Endpoint, bytes: number, now: Instant): void {
    const left = this.#left(source, now);
    this.#accounts.set(endpointAddress(source), { bytes: Math.min(left + bytes, CREDIT_BYTES_MAX), earnedAt: now });
  }

  /** Whether a datagram of this length is paid for. */
  covers(source: Endpoint, bytes: number, now: Instant): boolean {
    return this.#left(source, now) >= bytes + DATAGRAM_OVERHEAD_BYTES;
  }

  /** Takes what it costs to send this many bytes; false when there is less, and then nothing may be sent. */
  spend(source: Endpoint, bytes: number, now: Instant): boolean {
    if (!this.covers(source, bytes, now)) return false;
    const account = this.#accounts.get(endpointAddress(source));
    if (!account) return false;
    const left = account.bytes - bytes - DATAGRAM_OVERHEAD_BYTES;
    this.#accounts.set(endpointAddress(source), { ...account, bytes: left });
    return true;
  }

  #left(source: Endpoint, now: Instant): number {
    const account = this.#accounts.get(endpointAddress(source));
    return account && now - account.earnedAt < CREDIT_LIFE_MS ? account.bytes : 0;
  }
}
