/** A length of time as people say it, in its one or two largest units: "3 days", "2 h 5 min", "4 min", "12 s". Whole seconds, not negative. */
export function formatDuration(seconds: bigint): string {
  if (seconds >= 2n * DAY) return `${seconds / DAY} days`;
  if (seconds >= HOUR) {
    const minutes = (seconds % HOUR) / MINUTE;
    return minutes === 0n ? `${seconds / HOUR} h` : `${seconds / HOUR} h ${minutes} min`;
  }
  return seconds >= MINUTE ? `${seconds / MINUTE} min` : `${seconds} s`;
}

/** How long somebody waited, in milliseconds, as people say it: "80 ms", "5.5 s", "10 s". */
export function formatWait(ms: number): string {
  const rounded = Math.round(ms);
  if (rounded < 1_000) return `${rounded} ms`;
  const seconds = rounded / 1_000;
  return `${seconds < 100 ? Number(seconds.toFixed(1)) : Math.round(seconds)} s`;
}

const MINUTE = 60n;
const HOUR = 3600n;
const DAY = 86_400n;
