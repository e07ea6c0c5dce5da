import { setFlagsFromString } from "node:v8";

/**
 * What V8 is told about a program that waits most of the time. It lets garbage grow to several times of what lives before it looks through the old
 * generation: a daemon whose peers have all come within a minute has that much of it, makes next to none afterwards, and would keep it for hours.
 * Looked at whenever the heap has grown by a third, thousands of tunnels cost a few looks. Nor does it gain from a young generation that grows to
 * 16 MB and stays there.
 */
export const LEAN_HEAP = ["--heap-growing-percent=30", "--semi-space-growth-factor=1"] as const;

/** To be called before much is loaded. */
export function keepHeapLean(): void {
  for (const option of LEAN_HEAP) setFlagsFromString(option);
}
