/** A duration as people say it, in its largest unit: "0.8 ms", "42 s", "3 min", "5 h", "364 d". */
export function duration(ms: number): string {
  if (ms < 10) return `${Math.max(ms, 0).toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}
