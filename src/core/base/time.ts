import type { Brand } from "./brand.ts";

/** Monotonic milliseconds, from an arbitrary start. For deadlines and intervals; unaffected by steps of the wall clock. */
export type Instant = Brand<number, "Instant">;

/** Nanoseconds since the Unix epoch. For certificates and handshake times only. */
export type WallTime = Brand<bigint, "WallTime">;

/** Both clocks, read together at the edge and passed in with every input. */
export interface Clock {
  readonly now: Instant;
  readonly wall: WallTime;
}

export function instant(ms: number): Instant {
  return ms as Instant;
}

/** `from` plus `ms` milliseconds. */
export function later(from: Instant, ms: number): Instant {
  return (from + ms) as Instant;
}

/** The first of these deadlines; undefined when there is none. */
export function earliest(...deadlines: readonly (Instant | undefined)[]): Instant | undefined {
  let first: Instant | undefined;
  for (const at of deadlines) if (at !== undefined && (first === undefined || at < first)) first = at;
  return first;
}

export function wallTime(nanoseconds: bigint): WallTime {
  return nanoseconds as WallTime;
}
