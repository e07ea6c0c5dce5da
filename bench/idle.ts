import { setTimeout as sleep } from "node:timers/promises";
import { findNebula, LACIS } from "../test/netns/lab/implementation.ts";
import { Fleet } from "./fleet.ts";
import { type Contender, LoneHost, leaveFirstCore, meeting, sum } from "./lone-host.ts";
import { option } from "./pairing.ts";

/**
 * What a host costs that has many tunnels and nothing to say: ours with the data plane in Rust, and Nebula 1.11 if it is there, one after the
 * other under the same load generator:
 *
 *     npm run bench:idle [-- --tunnels N] [--seconds N] [--only lacis|portable|nebula] [--profile FOLDER]
 *
 * Each peer is real to it: a certificate and keys of its own, a handshake, one test request that proves the tunnel, and answers to what the host
 * asks afterwards. Then nobody says anything by itself. Exit status 1 when ours misses a figure that we promise, 3 when Nebula is missing.
 */
const RESIDENT_MB_MAX = 100;
const CORE_SHARE_MAX = 0.008;
/**
 * What is due because of the handshakes themselves has been done: V8 looks through the heap some time after they have come, which takes it as long as all that a
 * resting host does in a minute.
 */
const SETTLE_MS = 90_000;

interface Figures {
  readonly emptyMb: number;
  readonly residentMb: readonly number[];
  readonly cores: readonly number[];
  readonly asked: number;
}

async function main(): Promise<number> {
  const tunnels = Number(option("--tunnels") ?? "5000");
  const seconds = Number(option("--seconds") ?? "60");
  const nebula = await findNebula("1.11");
  const all: Contender[] = [
    { name: "lacis", implementation: LACIS, isNative: true },
    { name: "portable", implementation: LACIS, isNative: false },
    ...(nebula ? [{ name: "nebula", implementation: nebula, isNative: false }] : []),
  ];
  const only = option("--only");
  const contenders = all.filter(({ name }) => (only === undefined ? name !== "portable" : name === only));
  leaveFirstCore();
  const figures = new Map<string, Figures>();
  for (const contender of contenders) figures.set(contender.name, await measure(contender, tunnels, seconds));
  console.log(
    `\n${tunnels} tunnels, nothing said for ${seconds} s (resident before any; with them, by process; CPU, by process)`,
  );
  for (const [name, { emptyMb, residentMb, cores, asked }] of figures) {
    const memory = `${emptyMb.toFixed(0)} MB; ${sum(residentMb).toFixed(0)} MB (${residentMb.map((mb) => mb.toFixed(0)).join(" + ")})`;
    const time = `${percent(sum(cores))} of a core (${cores.map(percent).join(" + ")})`;
    console.log(`${name.padEnd(10)}${memory}; ${time}; ${asked} test requests`);
  }
  const ours = figures.get("lacis");
  if (!ours) return 0;
  const isKept = sum(ours.residentMb) <= RESIDENT_MB_MAX && sum(ours.cores) <= CORE_SHARE_MAX;
  console.log(
    `${isKept ? "ok" : "FAIL"}: wanted are at most ${RESIDENT_MB_MAX} MB and ${percent(CORE_SHARE_MAX)} of a core, both processes`,
  );
  if (!isKept) return 1;
  return only === undefined && !nebula ? 3 : 0;
}

async function measure(contender: Contender, tunnels: number, seconds: number): Promise<Figures> {
  const { authority, notAfter, port } = meeting();
  const folder = option("--profile");
  const nodeOptions =
    folder === undefined
      ? []
      : ["--cpu-prof", `--cpu-prof-dir=${folder}`, "--heapsnapshot-signal=SIGWINCH", `--diagnostic-dir=${folder}`];
  const host = new LoneHost(contender, { authority, notAfter, port, amLighthouse: false, nodeOptions });
  try {
    await host.outlives(sleep(1_500));
    const emptyMb = sum(host.residentMb());
    const fleet = await Fleet.open({ hosts: tunnels, lighthousePort: port, authority, notAfter });
    await host.outlives(fleet.connect());
    await host.outlives(sleep(SETTLE_MS));
    const asked = fleet.heard.tests;
    const spent = await host.spend(() => sleep(seconds * 1000));
    const cores = spent.cpuSeconds.map((one) => one / spent.seconds);
    const residentMb = host.residentMb();
    fleet.close();
    return { emptyMb, residentMb, cores, asked: fleet.heard.tests - asked };
  } finally {
    await host.stop();
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

process.exitCode = await main();
