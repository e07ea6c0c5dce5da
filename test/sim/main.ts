import { parseArgs } from "node:util";
import { realParts } from "./parts.ts";
import { type Report, runSeed, WORLD_END_MS } from "./world.ts";

/**
 * npm run sim -- --seed 17 --trace        one seed, told line by line
 * npm run sim -- --first 1 --count 300    many seeds, one line for each that fails
 */
function main(): void {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      first: { type: "string", default: "1" },
      count: { type: "string", default: "100" },
      trace: { type: "boolean", default: false },
    },
  });
  if (values.seed !== undefined) {
    const report = runSeed(Number(values.seed), realParts, values.trace ? (line) => console.log(line) : undefined);
    console.log(describe(report));
    process.exitCode = report.violation === undefined ? 0 : 1;
    return;
  }
  runMany(Number(values.first), Number(values.count));
}

function runMany(first: number, count: number): void {
  const started = performance.now();
  let failed = 0;
  const recoveries: number[] = [];
  for (let seed = first; seed < first + count; seed++) {
    const report = runSeed(seed, realParts);
    recoveries.push(report.recoveryMs);
    if (report.violation === undefined) continue;
    failed++;
    console.log(describe(report));
  }
  const seconds = (performance.now() - started) / 1000;
  const speed = (count * WORLD_END_MS) / 1000 / seconds;
  console.log(`${count} seeds, ${failed} violations, ${seconds.toFixed(1)} s (${speed.toFixed(0)} times real time)`);
  recoveries.sort((a, b) => a - b);
  const at = (share: number): string => `${((recoveries[Math.floor(share * (count - 1))] ?? 0) / 1000).toFixed(1)} s`;
  console.log(`last loss after the faults ended: median ${at(0.5)}, 90 % ${at(0.9)}, 99 % ${at(0.99)}, worst ${at(1)}`);
  process.exitCode = failed === 0 ? 0 : 1;
}

function describe({ seed, violation, digest, outputs, sent, delivered }: Report): string {
  const figures = `${delivered} of ${sent} packets delivered, ${outputs} outputs, digest ${digest.slice(0, 16)}`;
  return violation === undefined
    ? `seed ${seed}: every invariant holds (${figures})`
    : `seed ${seed}: VIOLATION ${violation} (${figures})\n  again: npm run sim -- --seed ${seed} --trace`;
}

main();
