/** Later than that is told: no deadline that this matters to is shorter. */
const TOLD_FROM_MS = 100;

/**
 * How long what the other side says waits before it is read, seen by how long it takes until a request is known to be answered: answers come
 * behind everything else.
 */
export class Lateness {
  /** The request that is looked at, and when it was made. */
  #watched: { readonly id: bigint; readonly at: number } | undefined;
  #ms = 0;
  #told = 0;

  asked(id: bigint, now: number): void {
    this.#watched ??= { id, at: now };
  }

  /** This request is answered, and those before it. */
  answered(id: bigint, now: number): void {
    if (!this.#watched || id < this.#watched.id) return;
    this.#ms = now - this.#watched.at;
    this.#watched = undefined;
  }

  /** To be told, when it has changed by so much that it matters; 0: not worth a word. */
  news(now: number): number | undefined {
    const ms = Math.max(this.#ms, this.#watched ? now - this.#watched.at : 0);
    const worth = ms < TOLD_FROM_MS ? 0 : Math.ceil(ms);
    if (worth === this.#told || (worth > 0 && Math.abs(worth - this.#told) < this.#told / 4)) return undefined;
    this.#told = worth;
    return worth;
  }
}
