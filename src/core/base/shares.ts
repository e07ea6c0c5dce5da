/**
 * Things that share one room, each of them somebody's. Says whose are the most and which of those was used longest ago, in constant time: so
 * whoever crowds a table is who makes room in it, and nobody pushes out what somebody holds who holds less.
 */
export class Shares<Owner, Item> {
  readonly #shares = new Map<Owner, Share<Item>>();
  /** Owners by how many things they have, in the order in which they came to it. */
  readonly #ranks = new Map<number, Rank<Owner>>();
  #size = 0;
  #most = 0;

  get size(): number {
    return this.#size;
  }

  /** Things of who has most. */
  get most(): number {
    return this.#most;
  }

  /** Of owners with as many things, those that are not `spared` make room first. Said anew with each thing. */
  add(owner: Owner, item: Item, options: { readonly spared: boolean } = { spared: false }): void {
    const share = this.#shares.get(owner) ?? { items: new Set<Item>(), spared: options.spared };
    this.#shares.set(owner, share);
    this.#leave(owner, share);
    share.items.add(item);
    share.spared = options.spared;
    this.#enter(owner, share);
    this.#size++;
    this.#most = Math.max(this.#most, share.items.size);
  }

  /** A thing of this owner was used. */
  touch(owner: Owner, item: Item): void {
    const items = this.#shares.get(owner)?.items;
    if (items?.delete(item)) items.add(item);
  }

  remove(owner: Owner, item: Item): void {
    const share = this.#shares.get(owner);
    if (!share?.items.has(item)) return;
    this.#leave(owner, share);
    share.items.delete(item);
    this.#enter(owner, share);
    this.#size--;
    if (share.items.size === 0) this.#shares.delete(owner);
    // Who had most has one less now: nobody has more than that.
    if (!this.#ranks.has(this.#most)) this.#most = Math.max(this.#most - 1, 0);
  }

  /** Who has most; of several the one that has had as many for longest. */
  largest(): Owner | undefined {
    const rank = this.#ranks.get(this.#most);
    const owners = rank && (rank.others.size > 0 ? rank.others : rank.spared);
    return owners?.values().next().value;
  }

  /** The thing of who has most that came, or was touched, longest ago. */
  oldestOfLargest(): Item | undefined {
    const owner = this.largest();
    return owner === undefined ? undefined : this.#shares.get(owner)?.items.values().next().value;
  }

  #leave(owner: Owner, { items, spared }: Share<Item>): void {
    const rank = this.#ranks.get(items.size);
    if (!rank) return;
    (spared ? rank.spared : rank.others).delete(owner);
    if (rank.others.size + rank.spared.size === 0) this.#ranks.delete(items.size);
  }

  #enter(owner: Owner, { items, spared }: Share<Item>): void {
    if (items.size === 0) return;
    const rank = this.#ranks.get(items.size) ?? { others: new Set(), spared: new Set() };
    this.#ranks.set(items.size, rank);
    (spared ? rank.spared : rank.others).add(owner);
  }
}

interface Share<Item> {
  readonly items: Set<Item>;
  spared: boolean;
}

interface Rank<Owner> {
  readonly others: Set<Owner>;
  readonly spared: Set<Owner>;
}
