/** How often the time is looked at. */
const BEAT_MS = 1000;
/** What may pass between two beats: one, and a late one. The rest of a longer gap did not pass for this process. */
const GAP_MS_MAX = 2 * BEAT_MS;

/**
 * Time that stands still while this process does: stopped by a signal or a debugger, or kept from the processor for long. Whoever was silent
 * meanwhile was not heard, either, and what they said waits to be read.
 */
export class RunningTime {
  #counted: number;
  #beatAt: number;

  /** `real`: any clock in milliseconds that does not go back. */
  constructor(real: number) {
    this.#counted = real;
    this.#beatAt = real;
  }

  at(real: number): number {
    return this.#counted + Math.min(real - this.#beatAt, GAP_MS_MAX);
  }

  /** To be called once in BEAT_MS. */
  beat(real: number): void {
    this.#counted = this.at(real);
    this.#beatAt = real;
  }
}

let running: RunningTime | undefined;

/** Milliseconds that this process has run, from an arbitrary start. */
export function runningTime(): number {
  if (!running) {
    const time = new RunningTime(performance.now());
    setInterval(() => time.beat(performance.now()), BEAT_MS).unref();
    running = time;
  }
  return running.at(performance.now());
}

/**
 * Calls `expired` once this process has run for `ms`, and has then heard what had arrived by the end of it. Returns the way to call it off.
 */
export function afterRunning(ms: number, expired: () => void): () => void {
  const until = runningTime() + ms;
  let cancelled = false;
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    const left = until - runningTime();
    if (left > 0) timer = setTimeout(look, Math.ceil(left));
    // Behind the turn of the event loop in which sockets are read.
    else setImmediate(() => cancelled || expired());
  };
  look();
  return () => {
    cancelled = true;
    clearTimeout(timer);
  };
}
