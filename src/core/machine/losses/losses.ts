import { LruMap } from "../../base/lru.ts";
import { earliest, type Instant, later } from "../../base/time.ts";
import type { DataPlaneCounters } from "../../dataplane/contract.ts";
import type { DropReason } from "../../drop-reason.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import type { RefusedPlace } from "../../operator/failure.ts";
import type { Place } from "../../path/place.ts";
import type { Facts } from "../facts.ts";
import type { CommonEvent, Emit, Machine } from "../machine.ts";
import { DropLedger, type RecentDrops } from "./drop-ledger.ts";

/** Errors that are told apart: the contract names a dozen. */
const ERRORS_MAX = 16;
/** Places of which the last refusal is known. */
const PLACES_MAX = 256;
/** Places that one trouble names. */
const PLACES_NAMED_MAX = 4;
/** Nothing was refused for so long: it is over, or nobody sends any more. */
const QUIET_MS = 10_000;
/** A sample tells of so much time before it. */
const SAMPLED_MS = 1_000;
/** Nothing left for so long while something was refused: nothing can. */
const NOTHING_LEFT_MS = 5_000;

/** Datagrams that this machine's own system does not send, for one reason. */
export interface SendTrouble {
  /** The system's name of the error: "EPERM". */
  readonly error: string;
  /** Where they should have gone, the newest last: a few. */
  readonly places: readonly Endpoint[];
  readonly sinceMs: number;
  readonly lastMs: number;
  /** Nothing at all leaves this machine at the moment. */
  readonly isTotal: boolean;
}

interface Trouble {
  readonly since: Instant;
  lastAt: Instant;
  readonly places: LruMap<Endpoint, true>;
}

/**
 * What does not get through, as far as this machine knows it: datagrams that its own system does not send, and packets that the data plane drops. Of
 * refusals the data plane tells ten a second, so that is about whether and why, not how many.
 */
export class Losses implements Machine {
  readonly waitsFor = "end of refused sends";
  readonly #facts: Facts;
  readonly #emit: Emit<CommonEvent>;
  readonly #troubles = new LruMap<string, Trouble>(ERRORS_MAX);
  readonly #drops = new DropLedger();
  readonly #refused = new LruMap<Endpoint, { readonly error: string; readonly at: Instant }>(PLACES_MAX);
  #left: bigint | undefined;
  /** When a sample last showed that something left. */
  #leftAt: Instant | undefined;

  constructor(facts: Facts, emit: Emit<CommonEvent>) {
    this.#facts = facts;
    this.#emit = emit;
  }

  refused(endpoint: Endpoint, error: string): void {
    const { now } = this.#facts;
    this.#refused.set(endpoint, { error, at: now });
    const known = this.#troubles.get(error);
    const trouble = known ?? { since: now, lastAt: now, places: new LruMap<Endpoint, true>(PLACES_NAMED_MAX) };
    trouble.lastAt = now;
    trouble.places.set(endpoint, true);
    if (known) return;
    this.#troubles.set(error, trouble);
    this.#emit({ kind: "tell", event: { code: "send-refused", error, endpoint } });
  }

  /** There is a data plane; `ranBefore`: not for us alone. */
  dataPlaneIsUp(ranBefore: boolean): void {
    if (!ranBefore) this.#drops.beginAnew();
  }

  sampled({ udpSentDatagrams, drops }: DataPlaneCounters): void {
    this.#drops.note(drops, this.#facts.now);
    // What the data plane counts as sent it has handed to the system.
    const left = udpSentDatagrams - (drops.get("send-failed") ?? 0n);
    if (this.#left !== undefined && left > this.#left) this.#leftAt = this.#facts.now;
    this.#left = left;
  }

  /** Of these places those to which something was refused since then, and why. */
  refusedOf(places: Iterable<Place>, since: Instant): readonly RefusedPlace[] {
    return [...places].flatMap((place) => {
      const refusal = this.#refused.peek(place as Endpoint);
      return refusal && refusal.at >= since ? [{ place, error: refusal.error }] : [];
    });
  }

  /** Of what was dropped, what is news. */
  recentDrops(): ReadonlyMap<DropReason, RecentDrops> {
    return this.#drops.recent(this.#facts.now);
  }

  /** Those that there seem to be at this moment. */
  sendTroubles(): readonly SendTrouble[] {
    const { now } = this.#facts;
    const isTotal = now - (this.#leftAt ?? 0) >= NOTHING_LEFT_MS;
    const current = [...this.#troubles.entries()].filter(([, { lastAt }]) => !this.#hasLeftSince(lastAt));
    return current.map(([error, { since, lastAt, places }]) => ({
      error,
      places: [...places.entries()].map(([place]) => place),
      sinceMs: now - since,
      lastMs: now - lastAt,
      isTotal: isTotal && now - since >= NOTHING_LEFT_MS,
    }));
  }

  /** Another data plane has another socket. */
  stop(): void {
    for (const [error] of [...this.#troubles.entries()]) this.#over(error);
    this.#refused.clear();
    this.#left = undefined;
  }

  nextAt(): Instant | undefined {
    if (this.#troubles.size === 0) return undefined;
    return earliest(...[...this.#troubles.entries()].map(([, { lastAt }]) => later(lastAt, QUIET_MS)));
  }

  tick(): void {
    for (const [error, { lastAt }] of [...this.#troubles.entries()])
      if (this.#facts.now - lastAt >= QUIET_MS) this.#over(error);
  }

  /** Whether a sample that began after this moment has shown that datagrams leave. */
  #hasLeftSince(at: Instant): boolean {
    return this.#leftAt !== undefined && this.#leftAt - at > SAMPLED_MS;
  }

  #over(error: string): void {
    const trouble = this.#troubles.peek(error);
    this.#troubles.delete(error);
    if (trouble)
      this.#emit({
        kind: "tell",
        event: { code: "send-refusals-ended", error, lastedMs: trouble.lastAt - trouble.since },
      });
  }
}
