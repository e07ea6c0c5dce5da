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

/**
 * Longer ago than anything: the moment of what has not happened. In what thousands of sessions have, and what changes with every packet, V8 keeps a number in its
 * place where it was a number from the start; where it was undefined, each change leaves an object behind.
 */
export const NEVER: Instant = instant(Number.NEGATIVE_INFINITY);

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
