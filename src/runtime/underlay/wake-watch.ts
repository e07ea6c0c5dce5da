/** How often the clocks are looked at. While the machine sleeps, nothing is. */
const LOOK_MS = 500;
/** A look that comes so much later than it should was slept through; less is a busy machine. */
const ASLEEP_MS = 5_000;

/** What a look at the clocks sees, in milliseconds: one that stands still while the machine sleeps, and one on the wall. */
export interface Clocks {
  readonly steady: number;
  readonly wall: number;
}

/**
 * Notices that this machine slept, or that this process stood still: a look comes late by one of the clocks. A wall clock that somebody sets ahead looks
 * the same, and costs a round of probes.
 */
export function wakeWatch(
  woke: (asleepMs: number) => void,
  read: () => Clocks = () => ({ steady: performance.now(), wall: Date.now() }),
): { readonly name: string; start(): void; stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  return {
    name: "wake-watch",
    start() {
      let before = read();
      timer = setInterval(() => {
        const now = read();
        const passed = Math.max(now.steady - before.steady, now.wall - before.wall);
        before = now;
        if (passed - LOOK_MS >= ASLEEP_MS) woke(passed - LOOK_MS);
      }, LOOK_MS).unref();
    },
    stop: () => clearInterval(timer),
  };
}
