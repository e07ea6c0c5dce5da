import { join } from "node:path";
import { certificateToPem } from "../../certs/index.ts";
import { PORT } from "../../test/netns/lab/host-config.ts";
import { PROJECT } from "../../test/netns/lab/implementation.ts";
import { type Setup, USUAL } from "../engines/engine.ts";
import { idlePeersAuthority } from "../idle-peers.ts";
import type { Scenario } from "./scenario.ts";
import { measureStreams } from "./streams.ts";

const TUNNELS = 10_000;
/** None of the two hosts' own addresses is in it. */
const NETWORK = "10.78";
const SETUP: Setup = { ...USUAL, trusted: certificateToPem(idlePeersAuthority().certificate) };
const STAND_WITHIN_MS = 180_000;

export const MANY_TUNNELS: Scenario = {
  name: "tunnels",
  title: `${TUNNELS} tunnels of the server that nobody uses, beside one TCP stream`,
  setup: SETUP,
  figures: [
    { name: "bulk", unit: "of the rate without them", better: "more", digits: 3 },
    { name: "memory", unit: "kB resident for a tunnel", better: "less", digits: 1 },
  ],
  async run({ open, effort }) {
    await using link = await open(SETUP);
    await link.listenToStreams();
    const measure = async () => (await measureStreams(link, effort.seconds, [])).rate;
    const without = await measure();
    const before = link.memory([link.server]).residentMb;
    const program = join(PROJECT, "dist/bench/idle-peers.js");
    const args = [program, String(PORT), String(TUNNELS), NETWORK, link.authority.bundlePath];
    const peers = link.server.start("peers", process.execPath, args);
    await peers.becomes("all tunnels stand", async () => peers.log().includes("tunnels stand"), STAND_WITHIN_MS);
    const memory = ((link.memory([link.server]).residentMb - before) * 1e3) / TUNNELS;
    return { bulk: (await measure()) / without, memory };
  },
};
