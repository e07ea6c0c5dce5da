import type { Instant } from "../base/time.ts";
import { TimerQueue } from "../base/timer-queue.ts";
import type { CertificateVersion } from "../cert/certificate.ts";
import type { LocalIndex } from "../dataplane/contract.ts";
import type { IpAddress } from "../netip/address.ts";
import type { Endpoint } from "../netip/endpoint.ts";
import type { Initiation } from "./initiation.ts";
import type { HandshakeRefusal } from "./refusal.ts";
import { mayRetry, nextAttemptAt, type RetryPolicy } from "./schedule.ts";

/** How far a call has come. */
export type CallProgress =
  /** No endpoint is known yet, so nothing was sent. */
  | { readonly at: "looking" }
  /** Message 1 exists and goes to every known endpoint at each attempt. */
  | { readonly at: "calling"; readonly initiation: Initiation };

/** One overlay address that we try to reach. `Waiting` is what goes through the tunnel once it stands. */
export interface Call<Waiting> {
  readonly target: IpAddress;
  readonly startedAt: Instant;
  readonly version: CertificateVersion;
  progress: CallProgress;
  /** Attempts made so far. */
  attempt: number;
  /** Every endpoint that message 1 went to. */
  readonly tried: Set<Endpoint>;
  /** Endpoints that answered as somebody else or unacceptably, with what they said. Left out for the rest of this call. */
  readonly excluded: Map<Endpoint, string>;
  /** The last answer that was not accepted. */
  refusal: HandshakeRefusal | undefined;
  /** Where an answer came from that did not decrypt. */
  unreadableFrom: Endpoint | undefined;
  readonly waiting: Waiting[];
}

/**
 * Handshakes that we are busy starting, by target and by the index that message 2 will carry. Time decides only when the next attempt is
 * due; what an attempt does is the node's business, because it needs to know endpoints.
 */
export class PendingHandshakes<Waiting> {
  readonly #calls = new Map<IpAddress, Call<Waiting>>();
  readonly #byIndex = new Map<LocalIndex, Call<Waiting>>();
  readonly #timers = new TimerQueue<IpAddress>();

  get size(): number {
    return this.#calls.size;
  }

  get(target: IpAddress): Call<Waiting> | undefined {
    return this.#calls.get(target);
  }

  /** The call that a message 2 with this index answers. */
  byIndex(index: LocalIndex): Call<Waiting> | undefined {
    return this.#byIndex.get(index);
  }

  all(): IterableIterator<Call<Waiting>> {
    return this.#calls.values();
  }

  /** A new call, due at once; undefined when too many are under way. */
  begin(target: IpAddress, version: CertificateVersion, now: Instant): Call<Waiting> | undefined {
    if (this.#calls.size >= CALLS_MAX) return undefined;
    const call: Call<Waiting> = {
      target,
      startedAt: now,
      version,
      progress: { at: "looking" },
      attempt: 0,
      tried: new Set(),
      excluded: new Map(),
      refusal: undefined,
      unreadableFrom: undefined,
      waiting: [],
    };
    this.#calls.set(target, call);
    this.#timers.schedule(target, now);
    return call;
  }

  /** From now on this initiation carries the call. */
  carry(call: Call<Waiting>, initiation: Initiation): void {
    call.progress = { at: "calling", initiation };
    this.#byIndex.set(initiation.localIndex, call);
  }

  /** Something for after the handshake; false when enough is waiting already. */
  wait(call: Call<Waiting>, item: Waiting): boolean {
    if (call.waiting.length >= WAITING_MAX) return false;
    call.waiting.push(item);
    return true;
  }

  /** The next attempt that is due, already counted; "exhausted" when the wait of the last one is over. */
  popDue(now: Instant, policy: RetryPolicy): { call: Call<Waiting>; exhausted: boolean } | undefined {
    const target = this.#timers.popDue(now);
    const call = target && this.#calls.get(target);
    if (!call) return undefined;
    if (!mayRetry(policy, call.attempt)) return { call, exhausted: true };
    call.attempt++;
    this.#timers.schedule(call.target, nextAttemptAt(policy, call.attempt, now));
    return { call, exhausted: false };
  }

  nextAt(): Instant | undefined {
    return this.#timers.next()?.at;
  }

  end(call: Call<Waiting>): void {
    this.#forgetIndex(call);
    this.#timers.cancel(call.target);
    this.#calls.delete(call.target);
  }

  #forgetIndex(call: Call<Waiting>): void {
    if (call.progress.at === "calling") this.#byIndex.delete(call.progress.initiation.localIndex);
  }
}

/** Calls at once. Each lasts at most a few seconds, and the data plane remembers as many destinations that need a tunnel. */
const CALLS_MAX = 4096;
/** Control messages that wait for one tunnel: as many as Nebula parks. */
const WAITING_MAX = 100;
