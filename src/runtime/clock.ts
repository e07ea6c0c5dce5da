import { type Clock, instant, wallTime } from "../core/base/time.ts";

/** Both clocks of this machine, read together. */
export function readClock(): Clock {
  return { now: instant(performance.now()), wall: wallTime(BigInt(Date.now()) * 1_000_000n) };
}
