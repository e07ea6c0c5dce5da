/** How long to wait after this many failures in a row, in milliseconds; `chance` is from 0 to 1. */
export function retryMs(
  failures: number,
  { life, chance }: { readonly life: bigint; readonly chance: number },
): number {
  const lifeMs = 1_000 * Number(life);
  const first = Math.min(FIRST_MS, lifeMs / 200);
  const longest = Math.min(LONGEST_MS, lifeMs / 24);
  // Whoever waited for the same service to come back does not ask it in the same second.
  return Math.min(first * 2 ** Math.min(failures - 1, 20), longest) * (0.75 + chance / 2);
}

/** A third of any life is left when it begins: an hour more or less is nothing, and a service that is back is found soon enough. */
const FIRST_MS = 30_000;
const LONGEST_MS = 3_600_000;
