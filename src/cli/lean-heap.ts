import { setFlagsFromString } from "node:v8";

/**
 * V8 lets garbage grow to several times of what lives before it looks through the old generation. A daemon whose peers have all come within a
 * minute has that much of it, makes next to none afterwards, and would keep it for hours.
 */
export const LEAN_HEAP = "--heap-growing-percent=30";

/** Garbage is looked for whenever the heap has grown by a third: in a host with thousands of tunnels that is a few times for all of them. */
export function keepHeapLean(): void {
  setFlagsFromString(LEAN_HEAP);
}
