import { type Setup, USUAL } from "../engines/engine.ts";
import { measureConnections } from "./connections.ts";
import type { Bench, Scenario } from "./scenario.ts";
import { measureStreams } from "./streams.ts";

const MANY: Setup = { ...USUAL, rules: 10_000 };

export const RULES: Scenario = {
  name: "rules",
  title: `${MANY.rules} rules for what comes in beside one`,
  setup: MANY,
  figures: [
    { name: "bulk", unit: "of the rate of one TCP stream", better: "more", digits: 3 },
    { name: "connections", unit: "of the rate of connections", better: "more", digits: 3 },
  ],
  async run(bench) {
    const one = await measure(bench, USUAL);
    const many = await measure(bench, MANY);
    return { bulk: many.rate / one.rate, connections: many.connections / one.connections };
  },
};

async function measure({ open, effort }: Bench, setup: Setup): Promise<{ rate: number; connections: number }> {
  await using link = await open(setup);
  await link.listenToStreams();
  const { rate } = await measureStreams(link, effort.seconds, []);
  return { rate, connections: (await measureConnections(link, effort.seconds, 1)).perSecond };
}
