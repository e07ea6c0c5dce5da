import { LruMap } from "../../base/lru.ts";
import type { Instant } from "../../base/time.ts";

/** Indexes remembered: by far more than the limiter of message 2 lets strangers name while one is awaited, so that they push out none. */
const INDEXES_MAX = 8192;
/** The control plane installs the session within milliseconds; a second covers one that is busy. */
const AWAITED_MS = 1000;

/**
 * Indexes of ours that a handshake message 2 has named a moment ago. A responder may send right behind its message 2, before the session is
 * installed here; a recv_error would make it drop the session that both just agreed on (protocol 13.23).
 */
export class AwaitedIndexes {
  readonly #namedAt = new LruMap<number, Instant>(INDEXES_MAX);

  named(index: number, now: Instant): void {
    this.#namedAt.set(index, now);
  }

  has(index: number, now: Instant): boolean {
    const at = this.#namedAt.get(index);
    return at !== undefined && now - at < AWAITED_MS;
  }
}
