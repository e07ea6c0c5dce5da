/** Unix seconds as RFC 3339 in UTC. A certificate may end after the last day that Date knows (ECMA-262 21.4.1.1): then the number itself. */
export function utcTime(unixSeconds: bigint): string {
  const time = new Date(Number(unixSeconds) * 1_000);
  return Number.isNaN(time.getTime()) ? `${unixSeconds}` : time.toISOString().replace(/\.\d+Z$/, "Z");
}
