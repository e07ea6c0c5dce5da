import type { Instant } from "../../core/base/time.ts";
import { TokenBucket } from "../../core/base/token-bucket.ts";

/** Lines of one kind: enough to see what goes on, too few to fill a disk (reliability R70). */
const perCode = { perSecond: 5, burst: 20 };
/** Lines of all kinds together: about 1 MiB a minute at 350 bytes a line. */
const inAll = { perSecond: 50, burst: 200 };

/** Which log lines are written. Whoever can cause lines without proving who he is can cause only so many. */
export class NoticeLimiter {
  readonly #total = new TokenBucket(inAll);
  readonly #codes = new Map<string, { bucket: TokenBucket; suppressed: number }>();

  /** `code` comes from a closed list in our own source, which is what bounds the table. */
  admit(code: string, now: Instant): boolean {
    let entry = this.#codes.get(code);
    if (!entry) {
      entry = { bucket: new TokenBucket(perCode), suppressed: 0 };
      this.#codes.set(code, entry);
    }
    if (entry.bucket.take(now) && this.#total.take(now)) return true;
    entry.suppressed++;
    return false;
  }

  /** Lines left out since the last call, by code. */
  takeSuppressed(): readonly { readonly code: string; readonly count: number }[] {
    const taken = [...this.#codes].flatMap(([code, { suppressed }]) =>
      suppressed > 0 ? [{ code, count: suppressed }] : [],
    );
    for (const entry of this.#codes.values()) entry.suppressed = 0;
    return taken;
  }
}
