import { describe, expect, test } from "vitest";
import { partsOf } from "./cast/parts.ts";
import { runSeed } from "./world/world.ts";

/** Seeds that every change runs, split over files so that two cores share them. */
export const SEEDS_PER_CHANGE = 500;

/** One test for each of these seeds; the name of one that fails is the line that reproduces it. */
export function describeSeeds(first: number, last: number): void {
  describe(`seeds ${first} to ${last}`, () => {
    for (let seed = first; seed <= last; seed++) {
      test(`npm run sim -- --seed ${seed} --trace`, () => {
        expect(runSeed(seed, partsOf(seed), { digest: false }).violation).toBeUndefined();
      });
    }
  });
}
