/**
 * Things that share one room, each of them somebody's. Says whose are the most and which of those came first, in constant time: so whoever
 * crowds a table is who makes room in it.
 */
export class Shares<Owner, Item> {
  readonly #shares = new Map<Owner, Share<Item>>();
  /** Owners by how many things they have. */
  readonly #ranks: Rank<Owner>[] = [];
  #size = 0;
  #most = 0;

  get size(): number {
    return this.#size;
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

  remove(owner: Owner, item: Item): void {
    const share = this.#shares.get(owner);
    if (!share?.items.has(item)) return;
    this.#leave(owner, share);
    share.items.delete(item);
    this.#enter(owner, share);
    this.#size--;
    if (share.items.size === 0) this.#shares.delete(owner);
    // Who had most has one less now: nobody has more than that.
    if (this.#isEmpty(this.#ranks[this.#most])) this.#most--;
  }

  /** Who has most; of several the one that has had as many for longest. */
  largest(): Owner | undefined {
    const rank = this.#ranks[this.#most];
    const owners = rank && (rank.others.size > 0 ? rank.others : rank.spared);
    return owners?.values().next().value;
  }

  /** The oldest thing of who has most. */
  oldestOfLargest(): Item | undefined {
    const owner = this.largest();
    return owner === undefined ? undefined : this.#shares.get(owner)?.items.values().next().value;
  }

  #leave(owner: Owner, { items, spared }: Share<Item>): void {
    const rank = this.#ranks[items.size];
    (spared ? rank?.spared : rank?.others)?.delete(owner);
  }

  #enter(owner: Owner, { items, spared }: Share<Item>): void {
    if (items.size === 0) return;
    const rank = this.#ranks[items.size] ?? { others: new Set(), spared: new Set() };
    this.#ranks[items.size] = rank;
    (spared ? rank.spared : rank.others).add(owner);
  }

  #isEmpty(rank: Rank<Owner> | undefined): boolean {
    return this.#most > 0 && rank?.others.size === 0 && rank.spared.size === 0;
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
