import { type Instant, instant, later } from "../../base/time.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import type { CertificateVersion } from "../../cert/certificate.ts";
import type { Initiation, Message2Outcome } from "../../handshake/initiation.ts";
import { mayRetry, nextAttemptAt, type RetryPolicy } from "../../handshake/schedule.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { Path } from "../../path/path.ts";
import type { Place } from "../../path/place.ts";
import type { Call, Tries } from "../../peer/call.ts";
import type { Parcel } from "../../peer/parcel.ts";
import type { PeerTable } from "../../peer/peer-table.ts";
import { AnswerBudget } from "./answer-budget.ts";
import type { Spent } from "./attempt.ts";

/** An answer that would do, and where it seemed to come from. */
export interface StrayAnswer {
  readonly source: Place;
  readonly path: Path;
  readonly answer: Extract<Message2Outcome, { kind: "answered" }>;
}

/** A call in the hands of the machine that calls. */
export interface PendingCall extends Call {
  progress: Call["progress"];
  version: CertificateVersion;
  attempt: number;
  readonly tried: Map<Place, Tries>;
  readonly doubtful: Map<Place, string | undefined>;
  refused: Call["refused"];
  refusedThere: Call["refusedThere"];
  unreadableFrom: Call["unreadableFrom"];
  readonly waiting: Parcel[];
  readonly answers: AnswerBudget;
  only: Call["only"];
  /** There is a session, which has fallen silent. */
  isUrgent: boolean;
  /** What would be left of it if that session answered. */
  rest: "nothing" | "straight" | "all";
  /** A good answer from where nobody was called. */
  stray: StrayAnswer | undefined;
  /** On places that only somebody's word speaks for, by whose. */
  readonly spent: Map<IpAddress, Spent>;
}

/** What somebody wants of a call. */
export interface Wish {
  readonly only?: Call["only"];
  /** Because a session has fallen silent. */
  readonly isUrgent?: boolean;
}

/**
 * Handshakes that we are busy starting, by target and by the index that message 2 will carry. Time decides only when the next attempt is
 * due; what an attempt does is for the caller to say, because it needs to know endpoints.
 */
export class PendingCalls {
  readonly #peers: PeerTable;
  readonly #calls = new Map<IpAddress, PendingCall>();
  readonly #timers = new TimerQueue<IpAddress>();

  /** Each call stands with its peer in `peers`, too. */
  constructor(peers: PeerTable) {
    this.#peers = peers;
  }

  get size(): number {
    return this.#calls.size;
  }

  get(target: IpAddress): PendingCall | undefined {
    return this.#calls.get(target);
  }

  all(): IterableIterator<PendingCall> {
    return this.#calls.values();
  }

  /** A new call, due at once; undefined when too many are under way. */
  begin(target: IpAddress, version: CertificateVersion, now: Instant): PendingCall | undefined {
    if (this.#calls.size >= CALLS_MAX) return undefined;
    const call: PendingCall = {
      target,
      startedAt: now,
      version,
      progress: { at: "looking" },
      attempt: 0,
      tried: new Map(),
      doubtful: new Map(),
      refused: undefined,
      refusedThere: undefined,
      unreadableFrom: undefined,
      waiting: [],
      answers: new AnswerBudget(),
      only: undefined,
      isUrgent: false,
      rest: "nothing",
      stray: undefined,
      spent: new Map(),
    };
    this.#calls.set(target, call);
    this.#peers.setCall(target, call);
    this.#timers.schedule(target, now);
    return call;
  }

  /** Somebody wants this call, or a part of it. */
  wish(call: PendingCall, { only, isUrgent = false }: Wish, isNew: boolean): void {
    const before = call.only;
    call.only = isNew || before === only ? only : undefined;
    call.isUrgent ||= isUrgent;
    if (!isUrgent) call.rest = only === "straight" && call.rest !== "all" ? "straight" : "all";
  }

  /** The session that had fallen silent has answered: what was wished for only because of that is over. */
  calm(call: PendingCall): void {
    if (call.stray || !call.isUrgent || call.rest === "all") return;
    if (call.rest === "nothing") {
      this.end(call);
      return;
    }
    call.only = "straight";
    call.isUrgent = false;
  }

  /** From now on this initiation carries the call. */
  carry(call: PendingCall, initiation: Initiation): void {
    call.progress = { at: "calling", initiation };
    this.#peers.setCall(call.target, call);
  }

  /** As if it began now: what was sent says something that is not so any more. */
  beginAgain(call: PendingCall, version: CertificateVersion, now: Instant): void {
    const { target } = call;
    // The index of what was sent goes with it.
    this.#peers.setCall(target, undefined);
    call.progress = { at: "looking" };
    call.version = version;
    call.attempt = 0;
    call.tried.clear();
    call.doubtful.clear();
    call.refused = undefined;
    call.refusedThere = undefined;
    call.unreadableFrom = undefined;
    call.stray = undefined;
    this.#peers.setCall(target, call);
    this.#timers.schedule(target, now);
  }

  /** Something for after the handshake; false when enough is waiting already. */
  wait(call: PendingCall, item: Parcel): boolean {
    if (call.waiting.length >= WAITING_MAX) return false;
    call.waiting.push(item);
    return true;
  }

  /** Waits a moment for the same answer from where we called, in place of the next attempt. */
  hold(call: PendingCall, stray: StrayAnswer, now: Instant): void {
    if (call.stray) return;
    call.stray = stray;
    this.#timers.schedule(call.target, later(now, STRAY_HELD_MS));
  }

  /** The next attempt that is due, already counted; "exhausted" when the wait of the last one is over. */
  popDue(now: Instant, policy: RetryPolicy): { call: PendingCall; exhausted: boolean } | undefined {
    const target = this.#timers.popDue(now);
    const call = target && this.#calls.get(target);
    if (!call) return undefined;
    if (call.stray) return { call, exhausted: false };
    if (!mayRetry(policy, call.attempt)) return { call, exhausted: true };
    call.attempt++;
    this.#timers.schedule(call.target, nextAttemptAt(policy, call.attempt, now));
    return { call, exhausted: false };
  }

  /** The next attempt comes as soon as one may follow the last: the rhythm of before is for hosts that nobody waits for like that. */
  hurry(call: PendingCall, policy: RetryPolicy, now: Instant): void {
    if (call.stray || call.attempt === 0) return;
    const last = Math.max(call.startedAt, ...[...call.tried.values()].map(({ at }) => at));
    this.#timers.schedule(call.target, instant(Math.max(now, last + policy.tryIntervalMs)));
  }

  nextAt(): Instant | undefined {
    return this.#timers.next()?.at;
  }

  end(call: PendingCall): void {
    this.#timers.cancel(call.target);
    this.#calls.delete(call.target);
    this.#peers.setCall(call.target, undefined);
  }
}

/** A copy that somebody has sent on from elsewhere comes a moment before or after the answer itself. */
const STRAY_HELD_MS = 100;
/** Calls at once. Each lasts at most a few seconds, and the data plane remembers as many destinations that need a session. */
const CALLS_MAX = 4096;
/** Control messages that wait for one tunnel: as many as Nebula parks. */
const WAITING_MAX = 100;
