import type { LogLine } from "../flowlog/flow-entry.ts";

/** What may wait for a collector, a kilobyte or so each; of more, the oldest goes. */
const WAITING_MAX = 4_096;

/** Some lines, and how many before them were given up. */
export interface Batch {
  readonly lines: readonly LogLine[];
  readonly lost: number;
}

/** Lines of the flow log that a collector has not taken yet. */
export class WaitingLines {
  #lines: readonly LogLine[] = [];
  #lost = 0;

  get isEmpty(): boolean {
    return this.#lines.length === 0 && this.#lost === 0;
  }

  /** Lines that were given up and that nobody was told about yet. */
  get lost(): number {
    return this.#lost;
  }

  add(lines: readonly LogLine[]): void {
    this.#hold([...this.#lines, ...lines]);
  }

  /** The oldest. */
  take(count: number): Batch {
    const batch = { lines: this.#lines.slice(0, count), lost: this.#lost };
    this.#lines = this.#lines.slice(count);
    this.#lost = 0;
    return batch;
  }

  /** What was taken and is still to be told. */
  putBack({ lines, lost }: Batch): void {
    this.#lost += lost;
    this.#hold([...lines, ...this.#lines]);
  }

  clear(): void {
    this.#lines = [];
    this.#lost = 0;
  }

  #hold(lines: readonly LogLine[]): void {
    const surplus = Math.max(lines.length - WAITING_MAX, 0);
    for (const line of lines.slice(0, surplus)) this.#lost += "untold" in line ? line.untold : 1;
    this.#lines = surplus === 0 ? lines : lines.slice(surplus);
  }
}
