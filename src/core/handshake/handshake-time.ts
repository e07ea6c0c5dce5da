import type { WallTime } from "../base/time.ts";

/**
 * The time that goes into our handshake payloads. Peers use it to order our handshakes, and refuse one that is not later than the
 * last (protocol 3.6), so it rises strictly even when the wall clock stands still or steps back (reliability R20).
 */
export class HandshakeTime {
  #last = 0n;

  next(wall: WallTime): bigint {
    this.#last = wall > this.#last ? wall : this.#last + 1n;
    return this.#last;
  }
}
