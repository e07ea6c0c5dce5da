import { LruMap } from "../../base/lru.ts";
import { Pace } from "../../base/pace.ts";
import type { Instant } from "../../base/time.ts";
import type { CaPool } from "../../cert/ca-pool.ts";
import type { Fingerprint, UnreadCertificate } from "../../cert/certificate.ts";
import { type Claim, claimOf } from "../../cert/claim.ts";
import type { HandshakeRefusal } from "../../handshake/refusal.ts";
import type { Place } from "../../path/place.ts";

/** Somebody who called and was not let in. */
export interface RefusedCaller extends Claim {
  readonly fingerprint: Fingerprint;
  readonly refusal: HandshakeRefusal;
  /** Where the last call came from. */
  readonly from: Place;
  readonly times: number;
  readonly at: Instant;
}

/** Certificates remembered. Whoever makes them up pushes out those of before, and gains nothing. */
const CALLERS_MAX = 64;
/** What it says is read of so many: a signature check each, for whoever sends some bytes. */
const READ = { burst: 16, intervalMs: 250 } as const;
/** Callers are forgotten when they have not called for so long: their certificate may be another one by now. */
const KEPT_MS = 10 * 60_000;

/** Who was refused lately, so that this host can say more than that somebody was. By certificate: a caller repeats itself every few hundred milliseconds. */
export class RefusedCallers {
  readonly #callers = new LruMap<Fingerprint, RefusedCaller>(CALLERS_MAX);
  readonly #reads = new Pace<"">(READ, 1);

  /** Somebody was refused. Gives what is known of who it was. */
  note(
    { refusal, shown, from }: { refusal: HandshakeRefusal; shown: UnreadCertificate | undefined; from: Place },
    pool: CaPool,
    now: Instant,
  ): RefusedCaller | undefined {
    if (!shown || EVERYDAY.has(refusal.code)) return undefined;
    const { fingerprint } = shown.head;
    const known = this.#callers.peek(fingerprint);
    const claim = known ?? (this.#reads.take("", now) ? claimOf(pool, shown) : undefined);
    if (!claim) return undefined;
    const caller = { ...claim, fingerprint, refusal, from, times: (known?.times ?? 0) + 1, at: now };
    this.#callers.set(fingerprint, caller);
    return caller;
  }

  /** Those who called last come first. */
  lately(now: Instant): readonly RefusedCaller[] {
    const all = [...this.#callers.entries()].map(([, caller]) => caller);
    return all.filter(({ at }) => now - at < KEPT_MS).reverse();
  }
}

/** A repetition that came too late is no stranger. */
const EVERYDAY: ReadonlySet<HandshakeRefusal["code"]> = new Set(["too-old"]);
