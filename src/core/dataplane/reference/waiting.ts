import type { Instant } from "../../base/time.ts";
import { later } from "../../base/time.ts";

/** How much may wait, and for how long. */
export interface WaitingLimits {
  readonly perKey: number;
  readonly keys: number;
  /** Under all keys together. */
  readonly total: number;
  /** How long the first under a key may wait; the others leave with it. */
  readonly lifetimeMs: number;
}

/** What waits for something that is about to come, by what it waits for: bounded in every direction, and never for long. */
export class Waiting<Key, Value> {
  readonly #limits: WaitingLimits;
  /** In the order of their expiry: a key is inserted with its first value. */
  readonly #places = new Map<Key, Place<Value>>();
  #size = 0;

  constructor(limits: WaitingLimits) {
    this.#limits = limits;
  }

  /** How many wait now. */
  get size(): number {
    return this.#size;
  }

  /** When the oldest place expires. */
  get deadline(): Instant | undefined {
    // Asked after every packet, and hardly ever does anything wait.
    if (this.#places.size === 0) return undefined;
    const [oldest] = this.#places.values();
    return oldest && later(oldest.since, this.#limits.lifetimeMs);
  }

  /** Lets one more wait; false when there is no room, and `value` is not called then. */
  hold(key: Key, value: () => Value, now: Instant): boolean {
    if (this.#size >= this.#limits.total) return false;
    const place = this.#places.get(key) ?? this.#newPlace(key, now);
    if (!place || place.values.length >= this.#limits.perKey) return false;
    place.values.push(value());
    this.#size++;
    return true;
  }

  /** Takes everything that waits under this key, oldest first. */
  take(key: Key): readonly Value[] {
    const values = this.#places.get(key)?.values ?? [];
    this.#places.delete(key);
    this.#size -= values.length;
    return values;
  }

  /** Forgets what has waited too long and returns how much that was. */
  expire(now: Instant): number {
    if (this.#places.size === 0) return 0;
    let expired = 0;
    for (const [key, place] of this.#places) {
      if (now - place.since < this.#limits.lifetimeMs) break;
      expired += this.take(key).length;
    }
    return expired;
  }

  #newPlace(key: Key, now: Instant): Place<Value> | undefined {
    if (this.#places.size >= this.#limits.keys) return undefined;
    const place = { since: now, values: [] };
    this.#places.set(key, place);
    return place;
  }
}

interface Place<Value> {
  readonly since: Instant;
  readonly values: Value[];
}
