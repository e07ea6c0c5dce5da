import { type Instant, later } from "../../base/time.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import type { LocalIndex } from "../contract.ts";
import type { Session } from "./session.ts";

/** Whoever would wait longer sees as much in samples of the activity. */
export const SILENCE_MS_MAX = 60_000;

/** Who sends and hears nothing (SEMANTICS 5.2). */
export class SilenceWatch {
  readonly #watched = new Map<Session, Watched>();
  readonly #timers = new TimerQueue<Session>();

  /** When the first session will have been silent for long enough. */
  get deadline(): Instant | undefined {
    return this.#timers.next()?.at;
  }

  /** Begins anew: what was sent before does not count. 0 ends it. */
  set(session: Session, afterMs: number): void {
    this.forget(session);
    if (afterMs > 0) this.#watched.set(session, { afterMs, since: undefined });
  }

  /** An inner packet left. */
  sent(session: Session, now: Instant): void {
    const watched = this.#watched.get(session);
    if (!watched || watched.since !== undefined) return;
    watched.since = now;
    this.#timers.schedule(session, later(now, watched.afterMs));
  }

  /** Something authentic came. */
  heard(session: Session): void {
    const watched = this.#watched.get(session);
    if (watched?.since === undefined) return;
    watched.since = undefined;
    this.#timers.cancel(session);
  }

  forget(session: Session): void {
    this.#watched.delete(session);
    this.#timers.cancel(session);
  }

  /** Those that have become silent, each until it is heard again, in ascending order of the local index. */
  takeSilent(now: Instant): readonly { readonly localIndex: LocalIndex; readonly sinceMs: number }[] {
    const silent: { localIndex: LocalIndex; sinceMs: number }[] = [];
    for (let due = this.#timers.popDue(now); due; due = this.#timers.popDue(now)) {
      const since = this.#watched.get(due)?.since ?? now;
      silent.push({ localIndex: due.localIndex, sinceMs: Math.floor(now - since) });
    }
    return silent.sort((a, b) => a.localIndex - b.localIndex);
  }
}

interface Watched {
  readonly afterMs: number;
  /** When the first packet left that nothing was heard after. */
  since: Instant | undefined;
}
