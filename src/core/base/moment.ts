/** "2026-11-28 14:02 UTC", for a sentence. A time that no calendar has stays a number. */
export function momentText(unixSeconds: number): string {
  // biome-ignore lint/style/noRestrictedGlobals: a calendar for a time that is given; no clock is read.
  const time = new Date(unixSeconds * 1_000);
  if (Number.isNaN(time.getTime())) return `${unixSeconds}`;
  return `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
