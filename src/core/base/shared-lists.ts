import { LruMap } from "./lru.ts";

/** Lists that are known again. A mesh has few; each further one is kept by everybody for itself. */
const LISTS_MAX = 1_024;

/** Lists of texts or numbers, each kept once: of thousands of certificates nearly all have the same groups, and the same prefix lengths. */
export class SharedLists {
  readonly #known = new LruMap<string, readonly unknown[]>(LISTS_MAX);

  /** An equal list, which others have, too. */
  shared<Item extends string | number>(list: readonly Item[]): readonly Item[] {
    return this.#known.getOrMake(JSON.stringify(list), () => list) as readonly Item[];
  }
}
