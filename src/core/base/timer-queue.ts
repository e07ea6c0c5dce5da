import type { Instant } from "./time.ts";

/** What is due, and when. */
export interface Timer<Key> {
  readonly key: Key;
  readonly at: Instant;
}

/**
 * Deadlines by key, at most one each. Ordered by time, then by the order in which they were set, so that the same inputs give the
 * same run. A binary heap that knows where each key stands: every operation is O(log n).
 */
export class TimerQueue<Key> {
  readonly #heap: Entry<Key>[] = [];
  readonly #entries = new Map<Key, Entry<Key>>();
  #insertions = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** Sets the deadline of `key`, in place of the one it had. */
  schedule(key: Key, at: Instant): void {
    const order = this.#insertions++;
    const known = this.#entries.get(key);
    if (known) {
      known.at = at;
      known.order = order;
      this.#siftUp(known);
      this.#siftDown(known);
      return;
    }
    const entry: Entry<Key> = { key, at, order, position: this.#heap.length };
    this.#entries.set(key, entry);
    this.#heap.push(entry);
    this.#siftUp(entry);
  }

  cancel(key: Key): void {
    const entry = this.#entries.get(key);
    if (entry) this.#remove(entry);
  }

  clear(): void {
    this.#heap.length = 0;
    this.#entries.clear();
  }

  /** The earliest deadline, left where it is. */
  next(): Timer<Key> | undefined {
    return this.#heap[0];
  }

  /** Takes out and returns the earliest key that is due at `now`. */
  popDue(now: Instant): Key | undefined {
    const entry = this.#heap[0];
    if (!entry || entry.at > now) return undefined;
    this.#remove(entry);
    return entry.key;
  }

  /** Takes out all that are due at `now`, the earliest first, with those that are set meanwhile. */
  takeDue(now: Instant): Iterable<Key> {
    const first = this.#heap[0];
    // Asked at every input, and hardly ever is anything due.
    return first && first.at <= now ? this.#takeDue(now) : NOTHING;
  }

  *#takeDue(now: Instant): IterableIterator<Key> {
    for (let key = this.popDue(now); key !== undefined; key = this.popDue(now)) yield key;
  }

  #remove(entry: Entry<Key>): void {
    this.#entries.delete(entry.key);
    const last = this.#heap.pop();
    if (!last || last === entry) return;
    this.#place(last, entry.position);
    this.#siftUp(last);
    this.#siftDown(last);
  }

  #siftUp(entry: Entry<Key>): void {
    while (entry.position > 0) {
      const parent = this.#heap[(entry.position - 1) >> 1];
      if (!parent || !isBefore(entry, parent)) return;
      this.#swap(entry, parent);
    }
  }

  #siftDown(entry: Entry<Key>): void {
    for (;;) {
      const left = this.#heap[2 * entry.position + 1];
      const right = this.#heap[2 * entry.position + 2];
      const child = left && right && isBefore(right, left) ? right : left;
      if (!child || !isBefore(child, entry)) return;
      this.#swap(entry, child);
    }
  }

  #swap(a: Entry<Key>, b: Entry<Key>): void {
    const position = a.position;
    this.#place(a, b.position);
    this.#place(b, position);
  }

  #place(entry: Entry<Key>, position: number): void {
    entry.position = position;
    this.#heap[position] = entry;
  }
}

const NOTHING: readonly never[] = [];

interface Entry<Key> {
  readonly key: Key;
  at: Instant;
  order: number;
  position: number;
}

function isBefore<Key>(a: Entry<Key>, b: Entry<Key>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
