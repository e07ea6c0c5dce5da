import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { withTrio } from "../test/netns/lab/trio.ts";
import { pause } from "../test/netns/lab/wait.ts";
import { median, option } from "./pairing.ts";

/**
 * What the flow log costs a stream: processor time for each byte of both hosts, daemons and data planes together, with the log and without it in turn, in the same
 * processes. Processor time, because other programs may share the machine.
 *
 *     scripts/lab node dist/bench/flow-log.js [--rounds N]
 *
 * Exit status 1 when the log costs more than 3 %.
 */
const DEAREST = 1.03;
const SECONDS = 1;
const RATE = "400M";
const WITHOUT = "\nflow_log: {megabytes: 0}\n";

const rounds = Number(option("--rounds") ?? "24");
const perByte = { on: [] as number[], off: [] as number[] };
await withTrio("flow-log", async ({ server, laptop }) => {
  const hosts = [server, laptop].map((host) => ({ host, written: readFileSync(host.configPath, "utf8") }));
  const dataPlanes = await Promise.all(hosts.map(({ host }) => host.dataPlane()));
  const pids = [...dataPlanes.flatMap((pid) => pid ?? []), ...hosts.map(({ host }) => host.daemon.pid)];
  server.machine.start("iperf", "iperf3", ["-s"]);
  await pause(1_000);
  for (let round = 1; round <= rounds; round++) {
    for (const mode of round % 2 === 0 ? (["on", "off"] as const) : (["off", "on"] as const)) {
      for (const { host, written } of hosts) {
        writeFileSync(host.configPath, mode === "on" ? written : written + WITHOUT);
        host.daemon.signal("SIGHUP");
      }
      await pause(400);
      const before = processorNs(pids);
      const args = ["-c", server.overlay4, "-b", RATE, "-t", String(SECONDS), "-J"];
      const report = JSON.parse(await laptop.machine.must("iperf3", args)) as {
        end: { sum_received: { bytes: number } };
      };
      perByte[mode].push((processorNs(pids) - before) / report.end.sum_received.bytes);
      console.error(`round ${round}/${rounds}  ${mode.padEnd(3)}  ${perByte[mode].at(-1)?.toFixed(2)} ns a byte`);
    }
  }
});
const ratio = median(perByte.on.map((cost, round) => cost / (perByte.off[round] ?? Number.NaN)));
const costs = [perByte.on, perByte.off].map((values) => median(values).toFixed(2));
console.log(`${costs[0]} ns of processor time a byte with the flow log, ${costs[1]} without: ${ratio.toFixed(3)} x`);
process.exitCode = ratio <= DEAREST ? 0 : 1;

/** What these processes have used of the processors so far, all threads together (proc_pid_schedstat). */
function processorNs(processes: readonly number[]): number {
  const threads = processes.flatMap((pid) =>
    readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}`),
  );
  return threads.reduce((sum, thread) => sum + Number(readFileSync(`${thread}/schedstat`, "utf8").split(" ")[0]), 0);
}
