import { type Clock, type Instant, instant, wallTime } from "../core/base/time.ts";
import { runningTime } from "./running-time.ts";

/** Both clocks, read together. The one for deadlines is that of this process: while it is stopped, nobody is late. */
export function readClock(): Clock {
  return { now: readNow(), wall: wallTime(BigInt(Date.now()) * 1_000_000n) };
}

/** The one for deadlines alone. */
export function readNow(): Instant {
  return instant(runningTime());
}
