import { type Setup, USUAL } from "../engines/engine.ts";
import type { Link } from "../link.ts";
import type { Scenario } from "./scenario.ts";
import { arrivedPerSecond, type FloodReport } from "./small-packets.ts";

const BYTES = 64;
const FIRST_PORT = 7500;
const FEW = 1_000;
const MANY = 1_000_000;
/** So many flows have one destination port: as many sources as there are. */
const FLOWS_OF_A_SINK = 62_500;
const SETUP: Setup = { ...USUAL, flows: 1 << 20 };

export const FLOWS: Scenario = {
  name: "flows",
  title: `Datagrams of ${BYTES} bytes, each of the next of so many flows`,
  setup: SETUP,
  figures: [
    { name: "few", unit: `thousand/s, ${FEW} flows`, better: "more", digits: 0 },
    { name: "many", unit: `thousand/s, ${MANY} flows`, better: "more", digits: 0 },
    { name: "share", unit: "of the rate of few reached with many", better: "more", digits: 2 },
    { name: "memory", unit: "MB resident of both hosts' engines, each", better: "less", digits: 0 },
  ],
  async run({ open, effort }) {
    await using link = await open(SETUP);
    for (let sink = 0; sink < MANY / FLOWS_OF_A_SINK; sink++) await link.serve("sink", FIRST_PORT + sink, BYTES);
    const few = await flood(link, effort.seconds, FEW);
    const many = await flood(link, effort.seconds, MANY);
    return { few, many, share: many / few, memory: link.memory().residentMb };
  },
};

async function flood(link: Link, seconds: number, flows: number): Promise<number> {
  return arrivedPerSecond(await link.ask<FloodReport>("flood", FIRST_PORT, BYTES, seconds, flows)) / 1e3;
}
