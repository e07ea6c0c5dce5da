import { LruMap } from "../../base/lru.ts";
import type { Instant } from "../../base/time.ts";
import { Waiting } from "./waiting.ts";

/** Indexes remembered: by far more than the limiter of message 2 lets strangers name while one is awaited, so that they push out none. */
const INDEXES_MAX = 8192;
/** The control plane installs the session within milliseconds; a second covers one that is busy. */
const AWAITED_MS = 1000;
/** Datagrams that came too early. A stream fills them within milliseconds; what goes beyond is lost, as it is on any way that is too short for a burst. */
const EARLY_PER_INDEX_MAX = 64;
/** Indexes that something came too early for: handshakes that are finished within one second. */
const EARLY_INDEXES_MAX = 256;
/** In all: of the longest datagrams they would be 9 MB. */
const EARLY_MAX = 1024;

/**
 * Indexes of ours that a handshake message 2 has named a moment ago. A responder may send right behind its message 2, before the session is
 * installed here: what it sends is held, and a recv_error would make it drop the session that both just agreed on (protocol 13.23).
 */
export class AwaitedIndexes<Early> {
  readonly #namedAt = new LruMap<number, Instant>(INDEXES_MAX);
  readonly #early = new Waiting<number, Early>({
    perKey: EARLY_PER_INDEX_MAX,
    keys: EARLY_INDEXES_MAX,
    total: EARLY_MAX,
    lifetimeMs: AWAITED_MS,
  });

  /** When the next of what came too early expires. */
  get deadline(): Instant | undefined {
    return this.#early.deadline;
  }

  named(index: number, now: Instant): void {
    this.#namedAt.set(index, now);
  }

  has(index: number, now: Instant): boolean {
    const at = this.#namedAt.get(index);
    return at !== undefined && now - at < AWAITED_MS;
  }

  /** Holds what came for an index until its session is installed. False when nobody awaits it or there is no room. */
  hold(index: number, early: () => Early, now: Instant): boolean {
    return this.has(index, now) && this.#early.hold(index, early, now);
  }

  /** Takes what came too early for a session, oldest first. */
  take(index: number): readonly Early[] {
    return this.#early.take(index);
  }

  /** Forgets what no session was installed for, and returns how many datagrams that were. */
  expire(now: Instant): number {
    return this.#early.expire(now);
  }
}
