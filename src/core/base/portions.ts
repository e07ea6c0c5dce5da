import { type Instant, instant } from "./time.ts";

/** How many are taken at once, and how long what has come meanwhile has before the next ones. */
export interface PortionSize {
  readonly items: number;
  readonly pauseMs: number;
}

/** Less than a millisecond's work at once, where it is a look at each. Most hosts have fewer peers. */
const LOOKS: PortionSize = { items: 256, pauseMs: 5 };

/** Work on very many things, of which packets do not wait for all. */
export class Portions<Item> {
  readonly #size: PortionSize;
  #items: readonly Item[] = [];
  #taken = 0;
  #pauseMs = 0;
  #dueAt: Instant | undefined;

  constructor(size: PortionSize = LOOKS) {
    this.#size = size;
  }

  /** In place of what is left; the first portion is due at once, and the others spread over `withinMs` where their pauses alone would not take as long. */
  begin(items: readonly Item[], now: Instant, withinMs = 0): void {
    this.#items = items;
    this.#taken = 0;
    const portions = Math.ceil(items.length / this.#size.items);
    this.#pauseMs = Math.max(this.#size.pauseMs, Math.floor(withinMs / Math.max(1, portions)));
    this.#dueAt = now;
  }

  stop(): void {
    this.#items = [];
    this.#dueAt = undefined;
  }

  /** The next portion once it is due; undefined before, and after the last one. */
  takeDue(now: Instant): readonly Item[] | undefined {
    return this.#dueAt !== undefined && this.#dueAt <= now ? this.takeNext(now) : undefined;
  }

  /** The next portion, due or not; undefined after the last one. */
  takeNext(now: Instant): readonly Item[] | undefined {
    return this.#dueAt === undefined ? undefined : this.#take(this.#size.items, now);
  }

  /** All that is left, due or not; undefined when that was taken already. */
  takeRest(now: Instant): readonly Item[] | undefined {
    return this.#dueAt === undefined ? undefined : this.#take(this.#items.length, now);
  }

  /** Whether the last one has been taken. */
  get isDone(): boolean {
    return this.#dueAt === undefined;
  }

  nextAt(): Instant | undefined {
    return this.#dueAt;
  }

  #take(count: number, now: Instant): readonly Item[] {
    const portion = this.#items.slice(this.#taken, this.#taken + count);
    this.#taken += portion.length;
    this.#dueAt = this.#taken < this.#items.length ? this.#dueAfter(now) : undefined;
    if (this.#dueAt === undefined) this.#items = [];
    return portion;
  }

  /** From when this one was due, if that is over: where each comes a little late, the last one would not come before everything begins anew. */
  #dueAfter(now: Instant): Instant {
    const due = Math.min(this.#dueAt ?? now, now);
    return instant(Math.max(due + this.#pauseMs, now + this.#size.pauseMs));
  }
}
