/** Room at the start; it doubles. */
const ROOM = 256;

/**
 * What waits under numbers that were given out one after the other, and goes mostly in that order. A ring: a map of its size is made anew again and
 * again, and each that was left behind kept what it had held from being forgotten until the whole heap was looked through.
 */
export class InOrder<Value> {
  /** A power of two of places; number n is in place n modulo their count. */
  #places: (Value | undefined)[] = new Array<Value | undefined>(ROOM).fill(undefined);
  /** All that wait are in here: the oldest, and one behind the newest. */
  #from = 0;
  #to = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** `at` is larger than every number before it. */
  add(at: number, value: Value): void {
    if (this.#size === 0) this.#from = at;
    while (at - this.#from >= this.#places.length) this.#grow();
    this.#places[at & (this.#places.length - 1)] = value;
    this.#to = at + 1;
    this.#size++;
  }

  get(at: number): Value | undefined {
    return at >= this.#from && at < this.#to ? this.#places[at & (this.#places.length - 1)] : undefined;
  }

  take(at: number): Value | undefined {
    const value = this.get(at);
    if (value === undefined) return undefined;
    this.#places[at & (this.#places.length - 1)] = undefined;
    this.#size--;
    return value;
  }

  /** Forgets everything before this number, up to the first that is to be kept. */
  passed(before: number, isKept: (value: Value) => boolean): void {
    for (const end = Math.min(before, this.#to); this.#from < end; this.#from++) {
      const value = this.get(this.#from);
      if (value !== undefined && isKept(value)) return;
      this.take(this.#from);
    }
  }

  /** All of them, which wait no longer. */
  takeAll(): readonly Value[] {
    const all: Value[] = [];
    for (; this.#from < this.#to; this.#from++) {
      const value = this.take(this.#from);
      if (value !== undefined) all.push(value);
    }
    return all;
  }

  #grow(): void {
    const larger = new Array<Value | undefined>(2 * this.#places.length).fill(undefined);
    for (let at = this.#from; at < this.#to; at++) larger[at & (larger.length - 1)] = this.get(at);
    this.#places = larger;
  }
}
