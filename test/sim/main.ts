import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { realParts } from "./cast/parts.ts";
import { type Report, runSeed, WORLD_END_MS } from "./world/world.ts";

/** Seeds of one thread: `first`, `first + stride`, ... */
interface Share {
  readonly first: number;
  readonly end: number;
  readonly stride: number;
}

/**
 * npm run sim -- --seed 17 --trace        one seed, told line by line
 * npm run sim -- --first 1 --count 300    many seeds on all cores, one line for each that fails
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      first: { type: "string", default: "1" },
      count: { type: "string", default: "300" },
      trace: { type: "boolean", default: false },
    },
  });
  if (values.seed === undefined) {
    await runMany(Number(values.first), Number(values.count));
    return;
  }
  const report = runSeed(Number(values.seed), realParts, values.trace ? (line) => console.log(line) : undefined);
  console.log(describe(report));
  process.exitCode = report.violation === undefined ? 0 : 1;
}

async function runMany(first: number, count: number): Promise<void> {
  const started = performance.now();
  const stride = Math.min(availableParallelism(), count);
  const shares = Array.from({ length: stride }, (_, i) => ({ first: first + i, end: first + count, stride }));
  const reports = (await Promise.all(shares.map(inThread))).flat();
  const failed = reports.filter(({ violation }) => violation !== undefined).length;
  const seconds = (performance.now() - started) / 1000;
  const speed = (count * WORLD_END_MS) / 1000 / seconds;
  console.log(
    `${count} seeds of ${WORLD_END_MS / 1000} s, ${failed} violations, ${seconds.toFixed(1)} s on ${stride} threads (${speed.toFixed(0)} times real time)`,
  );
  const recoveries = reports.map(({ recoveryMs }) => recoveryMs).sort((a, b) => a - b);
  const total = (figure: keyof Report["pairs"]): number => reports.reduce((sum, { pairs }) => sum + pairs[figure], 0);
  const surprising = reports.filter(({ pairs }) => pairs.surprises > 0).map(({ seed }) => seed);
  console.log(
    `${reports.filter(({ world }) => world !== "the smallest world").length} worlds with sites; pairs that can become direct: ${total("direct")}, only through a relay: ${total("relayed")}, not at all: ${total("apart")}, of which talked all the same: ${total("surprises")}${surprising.length > 0 ? ` (seeds ${surprising.join(", ")})` : ""}`,
  );
  const at = (share: number): string => `${((recoveries[Math.floor(share * (count - 1))] ?? 0) / 1000).toFixed(1)} s`;
  console.log(`last loss after the faults ended: median ${at(0.5)}, 90 % ${at(0.9)}, 99 % ${at(0.99)}, worst ${at(1)}`);
  process.exitCode = failed === 0 ? 0 : 1;
}

function inThread(share: Share): Promise<readonly Report[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: share });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

function runShare({ first, end, stride }: Share): readonly Report[] {
  const reports: Report[] = [];
  for (let seed = first; seed < end; seed += stride) {
    const report = runSeed(seed, realParts);
    if (report.violation !== undefined) console.log(describe(report));
    reports.push(report);
  }
  return reports;
}

function describe(report: Report): string {
  const { seed, world, violation, digest, outputs, sent, delivered, recoveryMs, pairs } = report;
  const figures = `${world}, ${pairs.direct} pairs that can become direct and ${pairs.relayed} that can through a relay and ${pairs.apart} that cannot, ${delivered} of ${sent} packets delivered, ${outputs} outputs, last loss ${recoveryMs} ms after the faults, digest ${digest.slice(0, 16)}`;
  return violation === undefined
    ? `seed ${seed}: every invariant holds (${figures})`
    : `seed ${seed}: VIOLATION ${violation} (${figures})\n  again: npm run sim -- --seed ${seed} --trace`;
}

if (isMainThread) await main();
else parentPort?.postMessage(runShare(workerData as Share));
