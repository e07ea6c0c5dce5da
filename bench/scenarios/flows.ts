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
/** Few enough a second that nearly all arrive, which they do not at full rate; each pass opens what was lost of the one before. */
const OPENED_PER_SECOND = 125_000;
const PASSES = 4;
/** Of an engine that does not say how many flows are open. */
const BLIND_PASSES = 2;
const OPEN_SHARE = 0.99;

export const FLOWS: Scenario = {
  name: "flows",
  title: `Datagrams of ${BYTES} bytes, each of the next of so many flows`,
  setup: SETUP,
  figures: [
    { name: "few", unit: `thousand/s, ${FEW} flows`, better: "more", digits: 0 },
    { name: "open", unit: "thousand flows that both hosts remember then", better: "more", digits: 0 },
    { name: "many", unit: `thousand/s, ${MANY} flows, which were opened before`, better: "more", digits: 0 },
    { name: "share", unit: "of the rate of few reached with many", better: "more", digits: 2 },
    { name: "memory", unit: "MB resident of both hosts' engines, each", better: "less", digits: 0 },
  ],
  async run({ open, effort }) {
    await using link = await open(SETUP);
    for (let sink = 0; sink < MANY / FLOWS_OF_A_SINK; sink++) await link.serve("sink", FIRST_PORT + sink, BYTES);
    const few = await flood(link, effort.seconds, FEW);
    const opened = await openAll(link);
    const many = await flood(link, effort.seconds, MANY);
    const told = opened === undefined ? {} : { open: opened / 1e3 };
    return { few, ...told, many, share: many / few, memory: link.memory().residentMb };
  },
};

async function flood(link: Link, seconds: number, flows: number | string): Promise<number> {
  return arrivedPerSecond(await link.ask<FloodReport>("flood", FIRST_PORT, BYTES, seconds, flows)) / 1e3;
}

/** Opens all flows, and says how many there are; undefined where the engine does not tell. */
async function openAll(link: Link): Promise<number | undefined> {
  for (let pass = 1; ; pass++) {
    await flood(link, MANY / OPENED_PER_SECOND, `${MANY}@${OPENED_PER_SECOND}`);
    const opened = await link.flows();
    if (opened === undefined && pass < BLIND_PASSES) continue;
    if (opened === undefined || opened >= OPEN_SHARE * MANY) return opened;
    if (pass === PASSES) throw new Error(`only ${opened} of ${MANY} flows are open`);
  }
}
