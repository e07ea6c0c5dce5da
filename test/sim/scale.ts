import { parseArgs } from "node:util";
import { LargeMesh } from "./large-mesh.ts";

/**
 * One large mesh in one thread: every host the real core with the readable data plane, every invariant watched.
 *
 *     npm run sim:scale [-- --hosts N] [--lighthouses N]
 *
 * Hosts start within 20 virtual seconds, report to every lighthouse each 10 s, and say something to two others every other second: their
 * neighbour in a ring, and one drawn by chance. Exit status 1 when an invariant does not hold, when a packet of the last 20 s is lost, or when it
 * takes more than a minute or 2 GB.
 */
const WORLD_MS = 60_000;
const START_MS = 20_000;
const TALK_FROM_MS = 25_000;
const TALK_EVERY_MS = 2_000;
const SETTLED_MS = 40_000;
const SECONDS_MAX = 60;
const RESIDENT_MB_MAX = 2_048;

function main(): number {
  const { values } = parseArgs({
    options: { hosts: { type: "string", default: "5000" }, lighthouses: { type: "string", default: "1" } },
  });
  const began = performance.now();
  const mesh = new LargeMesh({
    hosts: Number(values.hosts),
    lighthouses: Number(values.lighthouses),
    worldMs: WORLD_MS,
    startMs: START_MS,
    talkFromMs: TALK_FROM_MS,
    talkEveryMs: TALK_EVERY_MS,
    settledMs: SETTLED_MS,
  });
  const built = performance.now();
  mesh.run();
  const seconds = (performance.now() - began) / 1000;
  const residentMb = process.resourceUsage().maxRSS / 1024;
  const { sent, lost, handshakes, datagrams } = mesh.figures();
  console.log(
    `${values.hosts} hosts and ${values.lighthouses} lighthouses, ${WORLD_MS / 1000} virtual seconds: ${seconds.toFixed(1)} s (${((built - began) / 1000).toFixed(1)} s of it to make them), ${residentMb.toFixed(0)} MB; ${handshakes} tunnels, ${datagrams} datagrams, ${sent} packets, of which lost after ${SETTLED_MS / 1000} s: ${lost}`,
  );
  const isKept = lost === 0 && seconds <= SECONDS_MAX && residentMb <= RESIDENT_MB_MAX;
  console.log(
    `${isKept ? "ok" : "FAIL"}: wanted are at most ${SECONDS_MAX} s and ${RESIDENT_MB_MAX} MB, and nothing lost`,
  );
  return isKept ? 0 : 1;
}

process.exitCode = main();
