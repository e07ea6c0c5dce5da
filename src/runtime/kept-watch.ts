import { type StartWatch, startWatch, type Watch } from "./native-watch.ts";

/** Before a watch that ended is begun again. */
export const AGAIN_MS = 2_000;

export interface KeptWatchListener {
  readonly line: (text: string) => void;
  /** It ended by itself; `isNews`: for another reason than the last time. */
  readonly ended: (why: string, isNews: boolean) => void;
  /** It is time to begin again. */
  readonly again: () => void;
}

/** A watch that is begun again some time after it has ended by itself, and for as long says why it does not run. */
export class KeptWatch {
  readonly #start: StartWatch;
  #watch: Watch | undefined;
  #again: NodeJS.Timeout | undefined;
  #why: string | undefined;

  constructor(start: StartWatch = startWatch) {
    this.#start = start;
  }

  /** Why the last one ended; undefined once one has told something since. */
  get why(): string | undefined {
    return this.#why;
  }

  /** What it tells makes sense. */
  works(): void {
    this.#why = undefined;
  }

  /** In place of the one that runs. Throws as `StartWatch` does. */
  begin(args: readonly string[], { line, ended, again }: KeptWatchListener): void {
    void this.end();
    this.#watch = this.#start(args, {
      line,
      ended: (why) => {
        const isNews = this.#why !== why;
        this.#why = why;
        this.#watch = undefined;
        ended(why, isNews);
        this.#again = setTimeout(again, AGAIN_MS).unref();
      },
    });
  }

  /** Nothing is told any more. Fulfilled when the process is gone. */
  async end(): Promise<void> {
    clearTimeout(this.#again);
    const watch = this.#watch;
    this.#watch = undefined;
    await watch?.end();
  }
}
