import { type Clock, instant, wallTime } from "../core/base/time.ts";
import { runningTime } from "./running-time.ts";

/** Both clocks, read together. The one for deadlines is that of this process: while it is stopped, nobody is late. */
export function readClock(): Clock {
  return { now: instant(runningTime()), wall: wallTime(BigInt(Date.now()) * 1_000_000n) };
}
