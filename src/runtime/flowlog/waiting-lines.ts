/** Lines that were noted together, each with its end. */
interface Batch {
  readonly bytes: Buffer;
  readonly lines: number;
}

/** Lines that wait for the disk, the oldest first. Kept as bytes: text in pieces would be copied by the collector as long as it waits. */
export class WaitingLines {
  readonly #max: number;
  #batches: Batch[] = [];
  #lines = 0;

  /** More lines than `max` are not kept, but always those that were noted last. */
  constructor(max: number) {
    this.#max = max;
  }

  get isEmpty(): boolean {
    return this.#lines === 0;
  }

  /** Returns how many lines had to go for these, the oldest. */
  add(lines: readonly string[]): number {
    if (lines.length === 0) return 0;
    this.#batches.push({ bytes: Buffer.from(`${lines.join("\n")}\n`), lines: lines.length });
    this.#lines += lines.length;
    return this.#makeRoom();
  }

  /** All of them; then none waits. */
  take(): readonly Batch[] {
    this.#lines = 0;
    return this.#batches.splice(0);
  }

  /** What was taken is older than what came since. Returns how many had to go. */
  putBack(batches: readonly Batch[]): number {
    this.#batches.unshift(...batches);
    this.#lines = this.#batches.reduce((sum, { lines }) => sum + lines, 0);
    return this.#makeRoom();
  }

  /** The last one first. */
  *backwards(): Generator<string, void> {
    for (const { bytes } of this.#batches.toReversed()) yield* bytes.toString("utf8").trimEnd().split("\n").reverse();
  }

  #makeRoom(): number {
    let gone = 0;
    while (this.#lines > this.#max && this.#batches.length > 1) {
      const lines = this.#batches.shift()?.lines ?? 0;
      this.#lines -= lines;
      gone += lines;
    }
    return gone;
  }
}
