/** Virtual time: what will happen, in order of (milliseconds, order of entry). Nothing here waits for anything. */
export class Agenda {
  #now = 0;
  #entered = 0;
  readonly #heap: Entry[] = [];

  /** Virtual milliseconds since the start of the world. */
  get now(): number {
    return this.#now;
  }

  /** Does `action` at `at`, or now when that is past. */
  at(at: number, action: () => void): void {
    const entry = { at: Math.max(at, this.#now), order: this.#entered++, action };
    this.#heap.push(entry);
    this.#siftUp(this.#heap.length - 1);
  }

  after(ms: number, action: () => void): void {
    this.at(this.#now + ms, action);
  }

  /** Does the next thing that is due by `end` and returns true; otherwise moves to `end` and returns false. */
  step(end: number): boolean {
    const first = this.#heap[0];
    if (!first || first.at > end) {
      this.#now = Math.max(this.#now, end);
      return false;
    }
    const last = this.#heap.pop();
    if (last && last !== first) {
      this.#heap[0] = last;
      this.#siftDown();
    }
    this.#now = first.at;
    first.action();
    return true;
  }

  #siftUp(from: number): void {
    let child = from;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#swapIfEarlier(child, parent)) return;
      child = parent;
    }
  }

  #siftDown(): void {
    let parent = 0;
    for (;;) {
      const left = 2 * parent + 1;
      if (left >= this.#heap.length) return;
      const child = left + 1 < this.#heap.length && this.#earlier(left + 1, left) ? left + 1 : left;
      if (!this.#swapIfEarlier(child, parent)) return;
      parent = child;
    }
  }

  #swapIfEarlier(child: number, parent: number): boolean {
    if (!this.#earlier(child, parent)) return false;
    const entry = this.#heap[child]!;
    this.#heap[child] = this.#heap[parent]!;
    this.#heap[parent] = entry;
    return true;
  }

  #earlier(left: number, right: number): boolean {
    const a = this.#heap[left]!;
    const b = this.#heap[right]!;
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }
}

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly action: () => void;
}
