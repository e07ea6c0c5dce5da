import { type Instant, later } from "../../base/time.ts";

/** Taken at once: less than a millisecond's work. Most hosts have fewer peers. */
const PORTION = 256;
/** What has come meanwhile is done before the next portion. */
const PAUSE_MS = 5;

/** Work on very many things, of which packets do not wait for all. */
export class Portions<Item> {
  #items: readonly Item[] = [];
  #taken = 0;
  #dueAt: Instant | undefined;

  /** In place of what is left; the first portion is due at once. */
  begin(items: readonly Item[], now: Instant): void {
    this.#items = items;
    this.#taken = 0;
    this.#dueAt = now;
  }

  stop(): void {
    this.#items = [];
    this.#dueAt = undefined;
  }

  /** The next portion once it is due; undefined before, and after the last one. */
  takeDue(now: Instant): readonly Item[] | undefined {
    if (this.#dueAt === undefined || this.#dueAt > now) return undefined;
    return this.#take(PORTION, now);
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
    this.#dueAt = this.#taken < this.#items.length ? later(now, PAUSE_MS) : undefined;
    if (this.#dueAt === undefined) this.#items = [];
    return portion;
  }
}
