/** A map with a limit: setting one entry too many drops the least recently used one. */
export class LruMap<Key, Value> {
  readonly #limit: number;
  readonly #entries = new Map<Key, Value>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  has(key: Key): boolean {
    return this.#entries.has(key);
  }

  /** The value, which becomes the most recently used one. */
  get(key: Key): Value | undefined {
    const value = this.#entries.get(key);
    if (value === undefined && !this.#entries.has(key)) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value as Value);
    return value;
  }

  /** The value, as old as it was. */
  peek(key: Key): Value | undefined {
    return this.#entries.get(key);
  }

  /** The value, made if there is none, as the most recently used one. */
  getOrMake(key: Key, make: () => Value): Value {
    const value = this.get(key);
    if (value !== undefined || this.#entries.has(key)) return value as Value;
    const made = make();
    this.set(key, made);
    return made;
  }

  /** Sets the value and returns the key that had to go for it, if one had to. */
  set(key: Key, value: Value): Key | undefined {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#limit) return undefined;
    const [oldest] = this.#entries.keys();
    this.#entries.delete(oldest as Key);
    return oldest;
  }

  delete(key: Key): boolean {
    return this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  /** Least recently used first. */
  entries(): IterableIterator<[Key, Value]> {
    return this.#entries.entries();
  }
}
