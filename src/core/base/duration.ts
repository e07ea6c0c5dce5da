/** A length of time as people say it, in its one or two largest units: "3 days", "2 h 5 min", "4 min", "12 s". Whole seconds, not negative. */
export function formatDuration(seconds: bigint): string {
  if (seconds >= 2n * DAY) return `${seconds / DAY} days`;
  if (seconds >= HOUR) {
    const minutes = (seconds % HOUR) / MINUTE;
    return minutes === 0n ? `${seconds / HOUR} h` : `${seconds / HOUR} h ${minutes} min`;
  }
  return seconds >= MINUTE ? `${seconds / MINUTE} min` : `${seconds} s`;
}

const MINUTE = 60n;
const HOUR = 3600n;
const DAY = 86_400n;
