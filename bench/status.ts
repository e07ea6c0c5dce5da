import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { askDaemon } from "../src/admin/client.ts";
import { stateDirectoryAt } from "../src/runtime/state/state-directory.ts";
import { LACIS } from "../test/netns/lab/implementation.ts";
import { Fleet } from "./fleet.ts";
import { LoneHost, leaveFirstCore, meeting } from "./lone-host.ts";
import { option } from "./pairing.ts";

/**
 * How long `lacis status` takes on a host with many tunnels, and how many lines it has:
 *
 *     npm run bench:status [-- --tunnels N] [--rounds N]
 *
 * What the daemon takes to answer, the whole command, and the same of `lacis status --help`, which asks nobody. Exit status 1 when the answer takes longer
 * than 100 ms or has more than 40 lines.
 */
const ANSWER_MS_MAX = 100;
const LINES_MAX = 40;

async function main(): Promise<number> {
  const tunnels = Number(option("--tunnels") ?? "10000");
  const rounds = Number(option("--rounds") ?? "20");
  leaveFirstCore();
  const { authority, notAfter, port } = meeting();
  const contender = { name: "lacis", implementation: LACIS, isNative: true };
  const host = new LoneHost(contender, { authority, notAfter, port, amLighthouse: false });
  try {
    await host.outlives(sleep(1_500));
    const fleet = await Fleet.open({ hosts: tunnels, lighthousePort: port, authority, notAfter });
    await host.outlives(fleet.connect());
    await host.outlives(sleep(2_000));
    const { controlSocket } = stateDirectoryAt(host.stateDirectory);
    const cli = (...args: readonly string[]): string =>
      execFileSync(process.execPath, [LACIS_CLI, ...args], { encoding: "utf8" });
    const shown: number[] = [];
    const all: number[] = [];
    const command: number[] = [];
    const help: number[] = [];
    let lines = 0;
    for (let round = 0; round < rounds; round++) {
      shown.push(await timed(() => askDaemon(controlSocket, { verb: "status", peers: { limit: 40 } }, 10_000)));
      all.push(await timed(() => askDaemon(controlSocket, { verb: "status" }, 10_000)));
      command.push(
        await timed(() => {
          lines = cli("status", "--socket", controlSocket).trimEnd().split("\n").length;
        }),
      );
      help.push(await timed(() => cli("status", "--help")));
    }
    fleet.close();
    const answer = median(shown);
    console.log(`${tunnels} tunnels, medians of ${rounds}:`);
    console.log(`the answer for a screen   ${answer.toFixed(1)} ms`);
    console.log(`the answer with all peers ${median(all).toFixed(1)} ms`);
    console.log(`lacis status              ${median(command).toFixed(1)} ms, ${lines} lines`);
    console.log(`lacis status --help       ${median(help).toFixed(1)} ms`);
    const isKept = answer <= ANSWER_MS_MAX && lines <= LINES_MAX;
    console.log(
      `${isKept ? "ok" : "FAIL"}: wanted are at most ${ANSWER_MS_MAX} ms for the answer and ${LINES_MAX} lines`,
    );
    return isKept ? 0 : 1;
  } finally {
    await host.stop();
  }
}

const LACIS_CLI: string = new URL("../src/cli/main.js", import.meta.url).pathname;

async function timed(what: () => unknown): Promise<number> {
  const begun = performance.now();
  await what();
  return performance.now() - begun;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

process.exitCode = await main();
