import { describeSeeds, SEEDS_PER_CHANGE } from "./seeds.ts";

describeSeeds(1, SEEDS_PER_CHANGE / 2);
