import { type Instant, later } from "../../base/time.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import type { LocalIndex } from "../../dataplane/contract.ts";
import { nameAddress, type OwnedSession } from "../../peer/session.ts";

/** Answered sessions of one peer that wait for proof. A forger who keeps sending pushes out only its own kind (reliability R10). */
export const UNCONFIRMED_PER_PEER_MAX = 4;
/** Answered sessions in all that wait for proof (reliability R10). */
export const UNCONFIRMED_MAX = 1024;
/** A genuine initiator proves itself within a round trip; ten seconds outlast every retry of it (reliability R10). */
export const UNCONFIRMED_LIFE_MS = 10_000;
/** A probe at 0 ms would overtake message 2, and the peer would answer it with a recv_error. */
export const PROBE_AFTER_MS = [300, 1000] as const;

/** What is due for a session that waits for proof. */
export interface UnconfirmedDue {
  readonly localIndex: LocalIndex;
  readonly what: "probe" | "expire";
}

/** Sessions that we answered and whose peer has not proven itself yet: oldest first, with their probes and their end. */
export class UnconfirmedSessions {
  readonly #sessions = new Map<LocalIndex, OwnedSession>();
  readonly #timers = new TimerQueue<LocalIndex>();

  get size(): number {
    return this.#sessions.size;
  }

  /** Takes a session in and returns the one that has to make room for it, if any. */
  admit(session: OwnedSession, now: Instant): OwnedSession | undefined {
    const evicted = this.#roomFor(session);
    if (evicted) this.remove(evicted);
    this.#sessions.set(session.localIndex, session);
    this.#timers.schedule(session.localIndex, later(now, PROBE_AFTER_MS[0]));
    return evicted;
  }

  /** It proved itself or is gone. */
  remove(session: OwnedSession): void {
    this.#sessions.delete(session.localIndex);
    this.#timers.cancel(session.localIndex);
  }

  popDue(now: Instant): UnconfirmedDue | undefined {
    const localIndex = this.#timers.popDue(now);
    const session = localIndex === undefined ? undefined : this.#sessions.get(localIndex);
    if (session?.state.at !== "unconfirmed") return undefined;
    const { since, probesSent } = session.state;
    if (probesSent >= PROBE_AFTER_MS.length) {
      this.remove(session);
      return { localIndex: session.localIndex, what: "expire" };
    }
    session.state = { at: "unconfirmed", since, probesSent: probesSent + 1 };
    this.#timers.schedule(session.localIndex, later(since, PROBE_AFTER_MS[probesSent + 1] ?? UNCONFIRMED_LIFE_MS));
    return { localIndex: session.localIndex, what: "probe" };
  }

  nextAt(): Instant | undefined {
    return this.#timers.next()?.at;
  }

  /** The oldest session of the same peer when it has its share, else the oldest of all when the table is full. */
  #roomFor(session: OwnedSession): OwnedSession | undefined {
    const name = nameAddress(session);
    const ofPeer = [...this.#sessions.values()].filter((session) => nameAddress(session) === name);
    if (ofPeer.length >= UNCONFIRMED_PER_PEER_MAX) return ofPeer[0];
    if (this.#sessions.size < UNCONFIRMED_MAX) return undefined;
    return this.#sessions.values().next().value;
  }
}
