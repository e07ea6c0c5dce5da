/**
 * Random bytes. The daemon passes the operating system's generator; the simulator passes a seeded one, which is what makes a run
 * repeatable.
 */
export interface Entropy {
  /** `length` fresh random bytes. */
  bytes(length: number): Uint8Array;
}
