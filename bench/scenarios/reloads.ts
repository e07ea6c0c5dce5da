import { USUAL } from "../engines/engine.ts";
import { tripsBesideStream } from "./round-trips.ts";
import type { Scenario } from "./scenario.ts";

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
    let reloading: NodeJS.Timeout | undefined;
    const begin = async (): Promise<void> => {
      link.reload?.();
      reloading = setInterval(() => link.reload?.(), 1000);
    };
    try {
      const { lost, maxUs, rate } = await tripsBesideStream(link, effort.seconds, begin);
      return { lost, longest: maxUs / 1e3, rate };
    } finally {
      clearInterval(reloading);
    }
  },
};
