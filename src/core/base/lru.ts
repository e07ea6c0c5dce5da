/** Up to so many entries are found by walking the list: a host has thousands of maps with an entry or two, and an index takes more than those. */
const FEW = 8;

/**
 * A map with a limit: setting one entry too many drops the least recently used one. A list through the entries keeps their order, so that
 * looking at one moves nothing in the map itself.
 */
export class LruMap<Key, Value> {
  readonly #limit: number;
  #size = 0;
  /** Present once there were more than a few. */
  #index: Map<Key, Entry<Key, Value>> | undefined;
  #oldest: Entry<Key, Value> | undefined;
  #newest: Entry<Key, Value> | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  has(key: Key): boolean {
    return this.#find(key) !== undefined;
  }

  /** The value, which becomes the most recently used one. */
  get(key: Key): Value | undefined {
    const entry = this.#find(key);
    if (entry) this.#touch(entry);
    return entry?.value;
  }

  /** The value, as old as it was. */
  peek(key: Key): Value | undefined {
    return this.#find(key)?.value;
  }

  /** The value, made if there is none, as the most recently used one. */
  getOrMake(key: Key, make: () => Value): Value {
    const entry = this.#find(key);
    if (entry) {
      this.#touch(entry);
      return entry.value;
    }
    const made = make();
    this.set(key, made);
    return made;
  }

  /** Sets the value and returns the key that had to go for it, if one had to. */
  set(key: Key, value: Value): Key | undefined {
    const known = this.#find(key);
    if (known) {
      known.value = value;
      this.#touch(known);
      return undefined;
    }
    const entry: Entry<Key, Value> = { key, value, older: undefined, newer: undefined };
    this.#append(entry);
    this.#size++;
    if (this.#index) this.#index.set(key, entry);
    else if (this.#size > FEW) this.#index = new Map(this.#listed());
    const oldest = this.#oldest;
    if (this.#size <= this.#limit || !oldest) return undefined;
    this.delete(oldest.key);
    return oldest.key;
  }

  delete(key: Key): boolean {
    const entry = this.#find(key);
    if (!entry) return false;
    this.#index?.delete(key);
    this.#size--;
    this.#unlink(entry);
    return true;
  }

  clear(): void {
    this.#index = undefined;
    this.#size = 0;
    this.#oldest = undefined;
    this.#newest = undefined;
  }

  /** Least recently used first. */
  *entries(): IterableIterator<[Key, Value]> {
    for (let entry = this.#oldest; entry; entry = entry.newer) yield [entry.key, entry.value];
  }

  #find(key: Key): Entry<Key, Value> | undefined {
    if (this.#index) return this.#index.get(key);
    let entry = this.#newest;
    while (entry && entry.key !== key) entry = entry.older;
    return entry;
  }

  *#listed(): IterableIterator<[Key, Entry<Key, Value>]> {
    for (let entry = this.#oldest; entry; entry = entry.newer) yield [entry.key, entry];
  }

  #touch(entry: Entry<Key, Value>): void {
    if (entry === this.#newest) return;
    this.#unlink(entry);
    this.#append(entry);
  }

  #append(entry: Entry<Key, Value>): void {
    entry.older = this.#newest;
    if (this.#newest) this.#newest.newer = entry;
    else this.#oldest = entry;
    this.#newest = entry;
  }

  #unlink(entry: Entry<Key, Value>): void {
    if (entry.older) entry.older.newer = entry.newer;
    else this.#oldest = entry.newer;
    if (entry.newer) entry.newer.older = entry.older;
    else this.#newest = entry.older;
    entry.older = undefined;
    entry.newer = undefined;
  }
}

interface Entry<Key, Value> {
  readonly key: Key;
  value: Value;
  older: Entry<Key, Value> | undefined;
  newer: Entry<Key, Value> | undefined;
}
