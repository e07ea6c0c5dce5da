/** What one owner holds, least recently used first. */
export interface Share<Key> {
  readonly owner: string;
  readonly keys: Set<Key>;
}

/**
 * Who holds how much of a table, and what has to make room in it. Who holds most gives what it used longest ago: nobody can push out what
 * somebody holds who holds less. Every step takes constant time.
 */
export class Shares<Key> {
  readonly #byOwner = new Map<string, Share<Key>>();
  /** The shares of each size in the order in which they came to it. */
  readonly #bySize = new Map<number, Set<Share<Key>>>();
  #largest = 0;

  /** The owner holds a key that was nobody's, as the most recently used of its share. */
  add(key: Key, owner: string): Share<Key> {
    const share = this.#byOwner.get(owner) ?? { owner, keys: new Set() };
    this.#byOwner.set(owner, share);
    this.#resize(share, () => share.keys.add(key));
    return share;
  }

  touch(share: Share<Key>, key: Key): void {
    share.keys.delete(key);
    share.keys.add(key);
  }

  remove(share: Share<Key>, key: Key): void {
    this.#resize(share, () => share.keys.delete(key));
    if (share.keys.size === 0) this.#byOwner.delete(share.owner);
  }

  /** The least recently used key of the largest share; of equally large ones the one that has been for longest. */
  toEvict(): Key | undefined {
    const [share] = this.#bySize.get(this.#largest) ?? [];
    const [key] = share?.keys ?? [];
    return key;
  }

  #resize(share: Share<Key>, change: () => void): void {
    const before = share.keys.size;
    this.#bySize.get(before)?.delete(share);
    if (this.#bySize.get(before)?.size === 0) this.#bySize.delete(before);
    change();
    const { size } = share.keys;
    if (size > 0) this.#bySize.set(size, (this.#bySize.get(size) ?? new Set()).add(share));
    if (size > this.#largest || !this.#bySize.has(this.#largest)) this.#largest = size;
  }
}
