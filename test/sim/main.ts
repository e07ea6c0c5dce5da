import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { partsOf } from "./cast/parts.ts";
import { type CellReport, runCell } from "./grid/cell.ts";
import { complaintOf, tableOf } from "./grid/table.ts";
import { type Report, runSeed } from "./world/world.ts";

/** Seeds of one thread: `first`, `first + stride`, ... */
interface Share {
  readonly of: "worlds" | "grid";
  readonly first: number;
  readonly end: number;
  readonly stride: number;
}

/**
 * npm run sim -- --seed 17 --trace        one seed, told line by line
 * npm run sim -- --first 1 --count 300    many seeds on all cores, one line for each that fails
 * npm run sim -- --grid --count 1000      each kind of translator against each, in turn; with --seed and --trace one cell
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      first: { type: "string", default: "1" },
      count: { type: "string", default: "300" },
      trace: { type: "boolean", default: false },
      grid: { type: "boolean", default: false },
    },
  });
  const [first, count] = [Number(values.first), Number(values.count)];
  if (values.seed === undefined) {
    await (values.grid ? runGrid(first, count) : runMany(first, count));
    return;
  }
  const print = values.trace ? (line: string) => console.log(line) : undefined;
  if (values.grid) {
    const cell = runCell(Number(values.seed), partsOf(Number(values.seed)), print);
    console.log(describeCell(cell));
    process.exitCode = complaintOf(cell) === undefined ? 0 : 1;
    return;
  }
  const report = runSeed(Number(values.seed), partsOf(Number(values.seed)), { print });
  console.log(describe(report));
  process.exitCode = report.violation === undefined ? 0 : 1;
}

async function runMany(first: number, count: number): Promise<void> {
  const started = performance.now();
  const reports = await inThreads<Report>("worlds", first, count);
  const failed = reports.filter(({ violation }) => violation !== undefined).length;
  const seconds = (performance.now() - started) / 1000;
  const played = reports.reduce((sum, { lastsMs }) => sum + lastsMs, 0) / 1000;
  console.log(
    `${count} seeds of ${(played / count).toFixed(0)} s, ${failed} violations, ${seconds.toFixed(1)} s on ${threadsFor(count)} threads (${(played / seconds).toFixed(0)} times real time)`,
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

async function runGrid(first: number, count: number): Promise<void> {
  const started = performance.now();
  const reports = await inThreads<CellReport>("grid", first, count);
  const seconds = (performance.now() - started) / 1000;
  const failed = reports.filter((report) => complaintOf(report) !== undefined);
  const possible = reports.filter(({ prospect }) => prospect === "direct");
  const byLuck = reports.filter(({ prospect, directMs }) => prospect === "uncertain" && directMs !== undefined);
  const direct = possible.filter(({ directMs }) => directMs !== undefined);
  console.log(tableOf(reports));
  console.log(
    `${count} seeds: ${direct.length} of ${possible.length} pairs that can become direct have, ${byLuck.length} more have, ${count - possible.length - byLuck.length} talk through a relay, ${failed.length} not as they must be, ${seconds.toFixed(1)} s on ${threadsFor(count)} threads`,
  );
  const times = direct.map(({ directMs }) => directMs ?? 0).sort((a, b) => a - b);
  const at = (share: number): string => `${((times[Math.floor(share * (times.length - 1))] ?? 0) / 1000).toFixed(2)} s`;
  console.log(`direct after: median ${at(0.5)}, 90 % ${at(0.9)}, 99 % ${at(0.99)}, worst ${at(1)}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

function threadsFor(count: number): number {
  return Math.min(availableParallelism(), count);
}

async function inThreads<One>(of: Share["of"], first: number, count: number): Promise<readonly One[]> {
  const stride = threadsFor(count);
  const shares = Array.from({ length: stride }, (_, i) => ({ of, first: first + i, end: first + count, stride }));
  return (await Promise.all(shares.map((share) => inThread<One>(share)))).flat();
}

/** Most of what a world makes lives for an instant: with room for it, little is moved by the collector. */
const YOUNG_MEBIBYTES = 96;

function inThread<One>(share: Share): Promise<readonly One[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), {
      workerData: share,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEBIBYTES },
    });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

function runShare({ of, first, end, stride }: Share): readonly (Report | CellReport)[] {
  const reports: (Report | CellReport)[] = [];
  for (let seed = first; seed < end; seed += stride) {
    if (of === "grid") {
      const cell = runCell(seed, partsOf(seed));
      if (complaintOf(cell) !== undefined) console.log(describeCell(cell));
      reports.push(cell);
    } else {
      const report = runSeed(seed, partsOf(seed), { digest: false });
      if (report.violation !== undefined) console.log(describe(report));
      reports.push(report);
    }
  }
  return reports;
}

function describeCell(cell: CellReport): string {
  const { seed, left, right, firstMs, directMs } = cell;
  const times = `first packet after ${firstMs ?? "-"} ms, direct after ${directMs ?? "-"} ms`;
  const complaint = complaintOf(cell);
  return complaint === undefined
    ? `seed ${seed}: ${left} and ${right} are as they must be (${times})`
    : `seed ${seed}: ${left} and ${right}: ${complaint} (${times})\n  again: npm run sim -- --grid --seed ${seed} --trace`;
}

function describe(report: Report): string {
  const { seed, world, violation, digest, outputs, sent, delivered, recoveryMs, pairs } = report;
  const figures = `${world}, ${pairs.direct} pairs that can become direct and ${pairs.relayed} that can through a relay and ${pairs.apart} that cannot, ${delivered} of ${sent} packets delivered, ${outputs} outputs, last loss ${recoveryMs} ms after the faults, digest ${digest.slice(0, 16) || "not made"}`;
  return violation === undefined
    ? `seed ${seed}: every invariant holds (${figures})`
    : `seed ${seed}: VIOLATION ${violation} (${figures})\n  again: npm run sim -- --seed ${seed} --trace`;
}

if (isMainThread) await main();
else parentPort?.postMessage(runShare(workerData as Share));
