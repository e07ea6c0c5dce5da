import { USUAL } from "../engines/engine.ts";
import type { Scenario } from "./scenario.ts";

const PORT = 7400;
const GAP_US = 1000;

export const RELOADS: Scenario = {
  name: "reloads",
  title: "Both hosts reload each second, beside one TCP stream",
  setup: USUAL,
  only: (engine) => engine.name !== "wireguard-go",
  figures: [
    { name: "lost", unit: "round trips lost", better: "less", digits: 0 },
    { name: "longest", unit: "ms, the longest", better: "less", digits: 1 },
    { name: "rate", unit: "Gbit/s", better: "more", digits: 2 },
  ],
  async run({ open, effort }) {
    await using link = await open(USUAL);
    await link.serve("echo", PORT);
    await link.listenToStreams();
    await link.streams(1);
    const stream = link.streams(effort.seconds + 1);
    link.reload?.();
    const reloading = setInterval(() => link.reload?.(), 1000);
    try {
      const report = await link.ask<{ lost: number; maxUs: number }>("trips", PORT, effort.seconds, GAP_US);
      const { sum_received } = await stream;
      return { lost: report.lost, longest: report.maxUs / 1e3, rate: sum_received.bits_per_second / 1e9 };
    } finally {
      clearInterval(reloading);
    }
  },
};
