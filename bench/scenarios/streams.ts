import { watchCpu } from "../cpu.ts";
import { type Setup, USUAL } from "../engines/engine.ts";
import type { Link, StreamsReport } from "../link.ts";
import type { Figure, Scenario } from "./scenario.ts";

const RATE: Figure = { name: "rate", unit: "Gbit/s", better: "more", digits: 2 };
const CPU: Figure = { name: "cpu", unit: "core-ns/byte", better: "less", digits: 2 };

export const ONE_STREAM: Scenario = {
  name: "one-stream",
  title: "One TCP stream, AES, one rule each way",
  setup: USUAL,
  figures: [
    {
      ...RATE,
      wanted: [
        { than: "nebula-dev", times: 1.4 },
        { than: "nebula-1.11", times: 10 },
        { than: "wireguard-go", times: 3 },
      ],
    },
    { ...CPU, wanted: [{ than: "nebula-dev", times: 0.75 }] },
    { name: "idle", unit: "MB resident", better: "less", digits: 0 },
    { name: "idle-anonymous", unit: "MB anonymous", better: "less", digits: 0 },
    { name: "growth", unit: "MB more under load", better: "less", digits: 0 },
  ],
  async run({ open, effort }) {
    await using link = await open(USUAL);
    await link.listenToStreams();
    const before = link.memory();
    const measured = await measureStreams(link, effort.seconds, []);
    return {
      ...measured,
      idle: before.residentMb,
      "idle-anonymous": before.anonymousMb,
      growth: link.memory().anonymousMb - before.anonymousMb,
    };
  },
};

export const CHACHA: Scenario = streamScenario(
  "chacha",
  "One TCP stream, ChaCha20-Poly1305",
  { ...USUAL, cipher: "chachapoly" },
  [],
);
export const EIGHT_STREAMS: Scenario = streamScenario("eight-streams", "Eight TCP streams", USUAL, ["-P", "8"], 1.3);
export const BOTH_WAYS: Scenario = streamScenario(
  "both-ways",
  "One TCP stream each way at once, sum",
  USUAL,
  ["--bidir"],
  1.3,
);

function streamScenario(name: string, title: string, setup: Setup, how: readonly string[], times?: number): Scenario {
  const wanted = times === undefined ? {} : { wanted: [{ than: "nebula-dev", times }] };
  return {
    name,
    title,
    setup,
    figures: [{ ...RATE, ...wanted }, CPU],
    async run({ open, effort }) {
      await using link = await open(setup);
      await link.listenToStreams();
      return await measureStreams(link, effort.seconds, how);
    },
  };
}

/** What the receivers counted, and what the whole machine took for a byte of it. */
export async function measureStreams(
  link: Link,
  seconds: number,
  how: readonly string[],
): Promise<{ rate: number; cpu: number }> {
  // Until the windows are open and what is made on first use is made.
  await link.streams(1);
  const [report, use] = await watchCpu(() => link.streams(seconds, ...how));
  const received = bothWays(report);
  return { rate: received.bitsPerSecond / 1e9, cpu: use.busyNs / received.bytes };
}

function bothWays(report: StreamsReport): { readonly bitsPerSecond: number; readonly bytes: number } {
  const [there, back] = [report.sum_received, report.sum_received_bidir_reverse];
  return {
    bitsPerSecond: there.bits_per_second + (back?.bits_per_second ?? 0),
    bytes: there.bytes + (back?.bytes ?? 0),
  };
}
