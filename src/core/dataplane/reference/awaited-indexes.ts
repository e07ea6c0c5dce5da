import { LruMap } from "../../base/lru.ts";
import { type Instant, later } from "../../base/time.ts";
import { Waiting } from "./waiting.ts";

/** Indexes remembered: by far more than the limiter of message 2 lets strangers name while one is awaited, so that they push out none. */
const INDEXES_MAX = 8192;
/** Once message 2 is there the control plane installs the session within milliseconds; a second covers one that is busy. */
const NAMED_MS = 1000;
/** How long what came too early is of use. */
const EARLY_MS = 1000;
/** Datagrams that came too early. A stream fills them within milliseconds; what goes beyond is lost, as it is on any way that is too short for a burst. */
const EARLY_PER_INDEX_MAX = 64;
/** Indexes that something came too early for: handshakes that are finished within one second. */
const EARLY_INDEXES_MAX = 256;
/** In all: of the longest datagrams they would be 9 MB. */
const EARLY_MAX = 1024;

/**
 * Indexes of ours that a handshake under way has named. A responder may send right behind its message 2, which may be overtaken: what comes before
 * the session is installed here is held, and a recv_error would make the responder drop the session that both just agreed on (protocol 13.23).
 */
export class AwaitedIndexes<Early> {
  readonly #until = new LruMap<number, Instant>(INDEXES_MAX);
  readonly #early = new Waiting<number, Early>({
    perKey: EARLY_PER_INDEX_MAX,
    keys: EARLY_INDEXES_MAX,
    total: EARLY_MAX,
    lifetimeMs: EARLY_MS,
  });

  /** When the next of what came too early expires. */
  get deadline(): Instant | undefined {
    return this.#early.deadline;
  }

  /** A message 2 has named this index. */
  named(index: number, now: Instant): void {
    this.expect(index, NAMED_MS, now);
  }

  /** Its session may be installed at any moment for so long, or for longer where that was said before. */
  expect(index: number, forMs: number, now: Instant): void {
    const until = later(now, forMs);
    const before = this.#until.get(index);
    this.#until.set(index, before !== undefined && before > until ? before : until);
  }

  has(index: number, now: Instant): boolean {
    const until = this.#until.get(index);
    return until !== undefined && now < until;
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
