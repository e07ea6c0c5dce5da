import { LruMap } from "../base/lru.ts";

/** Lists of groups that are known again. A mesh has few; each further one is kept by every certificate for itself. */
const LISTS_MAX = 1_024;

/** Lists of groups, each kept once: thousands of certificates have the same. */
export class GroupLists {
  readonly #known = new LruMap<string, readonly string[]>(LISTS_MAX);

  /** An equal list, which others have, too. */
  shared(groups: readonly string[]): readonly string[] {
    return this.#known.getOrMake(JSON.stringify(groups), () => groups);
  }
}
