/** Values by key, newest first. Nearly every key has one, which is kept without a list: a host has thousands of them. */
export class ListMap<Key, Value> {
  readonly #newest = new Map<Key, Value>();
  /** All values of a key that has more than one. Replaced as a whole: whoever goes through one may change the map meanwhile. */
  readonly #lists = new Map<Key, readonly Value[]>();

  of(key: Key): readonly Value[] {
    const list = this.#lists.get(key);
    if (list) return list;
    const newest = this.#newest.get(key);
    return newest === undefined ? [] : [newest];
  }

  add(key: Key, value: Value): void {
    const before = this.of(key);
    if (before.length > 0) this.#lists.set(key, [value, ...before]);
    this.#newest.set(key, value);
  }

  remove(key: Key, value: Value): void {
    const before = this.of(key);
    const at = before.indexOf(value);
    if (at < 0) return;
    const left = before.toSpliced(at, 1);
    const [newest] = left;
    if (newest === undefined) this.#newest.delete(key);
    else this.#newest.set(key, newest);
    if (left.length > 1) this.#lists.set(key, left);
    else this.#lists.delete(key);
  }
}
