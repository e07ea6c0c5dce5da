import { must } from "../test/netns/lab/command.ts";
import type { LacisBuild } from "../test/netns/lab/implementation.ts";
import { inspectProcess } from "../test/netns/lab/process.ts";
import { program, serve } from "../test/netns/lab/program.ts";
import { withTrio } from "../test/netns/lab/trio.ts";
import { pause } from "../test/netns/lab/wait.ts";
import { median, option, pairedBuilds } from "./pairing.ts";

/**
 * What the build of before does, beside ours, in one interleaved run: handshakes a second and the memory of an idle host with one tunnel.
 * (Traffic: `npm run bench` takes the same option.)
 *
 *     scripts/lab node dist/bench/before.js --against FOLDER [--rounds N]
 *
 * Exit status 1 when ours is more than 5 % worse in one of them.
 */
const TOLERANCE = 0.05;

async function main(): Promise<number> {
  const rounds = Number(option("--rounds") ?? "5");
  const builds = pairedBuilds();
  const measured = new Map(builds.map((build) => [build, { handshakes: [] as number[], residentMb: [] as number[] }]));
  for (let round = 1; round <= rounds; round++) {
    for (const [build, values] of measured) {
      values.handshakes.push(await handshakesPerSecond(build));
      values.residentMb.push(await idleMemory(build, `r${round}-${builds.indexOf(build)}`));
      console.error(
        `round ${round}/${rounds}  ${build.name.padEnd(14)} ${values.handshakes.at(-1)}/s  ${values.residentMb.at(-1)!.toFixed(1)} MB`,
      );
    }
  }
  console.log(`\n${"".padEnd(14)}  handshakes/s  idle MB (medians of ${rounds} interleaved rounds)`);
  for (const [build, values] of measured)
    console.log(
      `${build.name.padEnd(14)}  ${String(median(values.handshakes)).padEnd(12)}  ${median(values.residentMb).toFixed(1)}`,
    );
  const [ours, before] = builds.map((build) => measured.get(build)!);
  if (!ours || !before) return 0;
  const handshakes = median(ours.handshakes) / median(before.handshakes);
  const memory = median(ours.residentMb) / median(before.residentMb);
  console.log(`${"ratio".padEnd(14)}  ${handshakes.toFixed(2)}          ${memory.toFixed(2)}`);
  const holds = handshakes >= 1 - TOLERANCE && memory <= 1 + TOLERANCE;
  console.log(holds ? "\nok: not worse than the build of before" : "\nFAIL: worse than the build of before");
  return holds ? 0 : 1;
}

async function handshakesPerSecond(build: LacisBuild): Promise<number> {
  const [node, main] = build.cli();
  const bench = main!.replace(/dist\/src\/cli\/main\.js$/, "dist/bench/handshakes.js");
  const printed = await must("sh", ["-c", '"$1" "$2" --seconds 3; true', "sh", node, bench], { timeoutMs: 60_000 });
  return Number(/handshakes: (\d+)\/s/.exec(printed)?.[1]);
}

/** Resident megabytes of both processes of a host that has been idle for three seconds. */
async function idleMemory(build: LacisBuild, label: string): Promise<number> {
  let bytes = 0;
  await withTrio(
    label,
    async ({ server, laptop }) => {
      await serve(server.machine, "tcp-echo", 7000);
      await laptop.machine.must(...program("tcp-transfer", server.overlay4, 7000, 1000));
      await pause(3_000);
      const dataPlane = await laptop.dataPlane();
      const pids = [laptop.daemon.pid, ...(dataPlane === undefined ? [] : [dataPlane])];
      bytes = pids.reduce((sum, pid) => sum + inspectProcess(pid).residentBytes, 0);
    },
    { implementation: build },
  );
  return bytes / 1e6;
}

process.exitCode = await main();
