import type { Standing } from "../../core/dataplane/standing.ts";

/** Items of one standing that may wait. More would be answered when nobody waits for the answer any more. */
const ITEMS_MAX = 256;
/** Their bytes. */
const BYTES_MAX = 256 << 10;

interface Item<Value> {
  readonly value: Value;
  readonly bytes: number;
}

interface Queue<Value> {
  readonly standing: Standing;
  readonly items: Item<Value>[];
  bytes: number;
}

/** What waits for its turn, by standing. The standings take turns, so that however many wait of one, none of another waits behind them. */
export class WaitingRoom<Value> {
  /** Whose turn it is first. */
  #turns: readonly Queue<Value>[] = (["known", "repeated", "first"] as const).map((standing) => ({
    standing,
    items: [],
    bytes: 0,
  }));

  get isEmpty(): boolean {
    return this.#turns.every(({ items }) => items.length === 0);
  }

  /** Of whom somebody waits. */
  get standings(): readonly Standing[] {
    return this.#turns.filter(({ items }) => items.length > 0).map(({ standing }) => standing);
  }

  /** Lets one wait, and returns those that have to leave for it: the longest waiting ones of its standing. */
  enter(standing: Standing, value: Value, bytes: number): readonly Value[] {
    const queue = this.#turns.find((each) => each.standing === standing);
    if (!queue || bytes > BYTES_MAX) return [value];
    queue.items.push({ value, bytes });
    queue.bytes += bytes;
    const left: Value[] = [];
    while (queue.items.length > ITEMS_MAX || queue.bytes > BYTES_MAX) left.push(...taken(queue, queue.items.shift()));
    return left;
  }

  /**
   * Takes the next one out, of a standing that may be served now. The newest first: under a flood not all are served, and whoever is, is served at
   * once, while those who came earlier have given up or will ask again.
   */
  next(
    mayBeServed: (standing: Standing) => boolean,
  ): { readonly standing: Standing; readonly value: Value } | undefined {
    const queue = this.#turns.find(({ standing, items }) => items.length > 0 && mayBeServed(standing));
    if (!queue) return undefined;
    this.#turns = [...this.#turns.filter((each) => each !== queue), queue];
    const [value] = taken(queue, queue.items.pop());
    return value === undefined ? undefined : { standing: queue.standing, value };
  }

  /** Everybody leaves. */
  clear(): void {
    for (const queue of this.#turns) {
      queue.items.length = 0;
      queue.bytes = 0;
    }
  }
}

function taken<Value>(queue: Queue<Value>, item: Item<Value> | undefined): readonly Value[] {
  if (!item) return [];
  queue.bytes -= item.bytes;
  return [item.value];
}
