import { join } from "node:path";
import { run } from "../../test/netns/lab/command.ts";
import { PROJECT } from "../../test/netns/lab/implementation.ts";
import { median } from "../pairing.ts";
import type { App } from "./app.ts";

const PORT = 4433;
const MB = 5;
const PROGRAM = join(PROJECT, "bench/apps/quic.py");
/** A Python that has aioquic. */
const PYTHON = process.env["LACIS_AIOQUIC"] ?? "python3";

export const QUIC: App = {
  name: "quic",
  title: `QUIC, ${MB} MB on a new connection each time (aioquic)`,
  programs: [PYTHON],
  figures: [{ name: "rate", unit: "MB/s", better: "more", digits: 2 }],
  async missing() {
    if ((await run(PYTHON, ["-c", "import aioquic"])).status === 0) return undefined;
    return "aioquic (pip install aioquic, and LACIS_AIOQUIC=the python that has it)";
  },
  async run({ server, client, serverAddress }, { seconds }) {
    const daemon = server.start("quic", PYTHON, [PROGRAM, "serve", serverAddress, String(PORT), server.directory]);
    await daemon.becomes("it listens", () => server.hasUdpPort(PORT));
    const how = [PROGRAM, "fetch", serverAddress, String(PORT), String(MB * 1e6), String(seconds * 2)];
    const rates = (await client.must(PYTHON, how, { timeoutMs: 120_000 })).trim().split("\n").map(Number);
    return { rate: median(rates) / 1e6 };
  },
};
