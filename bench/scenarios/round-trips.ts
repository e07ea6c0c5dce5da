import { pause } from "../../test/netns/lab/wait.ts";
import { USUAL } from "../engines/engine.ts";
import type { Link } from "../link.ts";
import type { Figure, Scenario } from "./scenario.ts";

const PORT = 7200;
/** Of trips that keep a distance: a millisecond, in which everything falls asleep again. */
const GAP_US = 1000;

interface TripsReport {
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  readonly lost: number;
}

const BEST = [{ than: "best", times: 1 }];

function time(name: string, unit: string): Figure {
  return { name, unit, better: "less", digits: 0, wanted: BEST };
}

export const ROUND_TRIPS: Scenario = {
  name: "round-trips",
  title: "Round trip of 64 bytes by UDP, idle",
  setup: USUAL,
  figures: [
    time("p50", "us p50 back to back"),
    time("p99", "us p99 back to back"),
    time("apart-p50", "us p50 one each ms"),
    time("apart-p99", "us p99 one each ms"),
  ],
  async run({ open, effort }) {
    await using link = await open(USUAL);
    await link.serve("echo", PORT);
    await link.ask("trips", PORT, 0.2, 0);
    const close = await link.ask<TripsReport>("trips", PORT, effort.seconds, 0);
    const apart = await link.ask<TripsReport>("trips", PORT, effort.seconds, GAP_US);
    return { p50: close.p50Us, p99: close.p99Us, "apart-p50": apart.p50Us, "apart-p99": apart.p99Us };
  },
};

export const ROUND_TRIPS_UNDER_LOAD: Scenario = {
  name: "loaded-round-trips",
  title: "Round trip of 64 bytes by UDP, one each ms, beside one TCP stream",
  setup: USUAL,
  figures: [
    { name: "p50", unit: "ms p50", better: "less", digits: 2 },
    { name: "p99", unit: "ms p99", better: "less", digits: 2, wanted: BEST },
    { name: "rate", unit: "Gbit/s beside it", better: "more", digits: 2 },
    { name: "lost", unit: "lost", better: "less", digits: 0 },
  ],
  async run({ open, effort }) {
    await using link = await open(USUAL);
    const { p50Us, p99Us, rate, lost } = await tripsBesideStream(link, effort.seconds, () => pause(500));
    return { p50: p50Us / 1e3, p99: p99Us / 1e3, rate, lost };
  },
};

/** Round trips, one each ms, beside one TCP stream, and its rate in Gbit/s. They begin when what is done once the stream has begun has been done. */
export async function tripsBesideStream(
  link: Link,
  seconds: number,
  begin: () => Promise<void>,
): Promise<TripsReport & { readonly rate: number }> {
  await link.serve("echo", PORT);
  await link.listenToStreams();
  await link.streams(1);
  // Together: where one fails, the other is not left to fail with nobody listening.
  const [{ sum_received }, trips] = await Promise.all([
    link.streams(seconds + 1),
    begin().then(() => link.ask<TripsReport>("trips", PORT, seconds, GAP_US)),
  ]);
  return { ...trips, rate: sum_received.bits_per_second / 1e9 };
}
