import { USUAL } from "../engines/engine.ts";
import type { Figure, Scenario } from "./scenario.ts";

const BYTES = 64;
const PORT = 7100;

export interface FloodReport {
  readonly sent: number;
  readonly seconds: number;
  readonly arrived: number;
  readonly arrivedWithinSeconds: number;
}

function rate(name: string, unit: string): Figure {
  const wanted = [
    { than: "nebula-dev", times: 1.5 },
    { than: "nebula-1.11", times: 3 },
  ];
  return { name, unit, better: "more", digits: 0, wanted };
}

export const SMALL_PACKETS: Scenario = {
  name: "small-packets",
  title: `UDP, ${BYTES} bytes, as many as can be sent: what arrives`,
  setup: USUAL,
  figures: [
    rate("each", "thousand/s, one message each"),
    rate("offload", "thousand/s, cut by the kernel"),
    { name: "offered", unit: "thousand/s offered, cut by the kernel", better: "more", digits: 0 },
  ],
  async run({ open, effort }) {
    await using link = await open(USUAL);
    await link.serve("sink", PORT, BYTES);
    const each = await link.ask<FloodReport>("flood", PORT, BYTES, effort.seconds, "each");
    const offload = await link.ask<FloodReport>("flood", PORT, BYTES, effort.seconds, "offload");
    return {
      each: arrivedPerSecond(each) / 1e3,
      offload: arrivedPerSecond(offload) / 1e3,
      offered: offload.sent / offload.seconds / 1e3,
    };
  },
};

export function arrivedPerSecond({ seconds, arrived, arrivedWithinSeconds }: FloodReport): number {
  // What stood in queues when the flood ended counts for the time in which it came.
  return arrived / Math.max(seconds, arrivedWithinSeconds);
}
