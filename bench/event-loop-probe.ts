import { writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

/**
 * Loaded into a daemon by `node --import`: at each SIGWINCH it writes how late its event loop was since the last one, in milliseconds, to the file
 * that $LACIS_BENCH_DELAYS names.
 */
const file = process.env["LACIS_BENCH_DELAYS"];
const delays = monitorEventLoopDelay({ resolution: 1 });
// Looking costs a few percent of a core, which nothing before the first signal is to be charged with.
process.on("SIGWINCH", () => {
  const ms = (nanoseconds: number): number => nanoseconds / 1e6;
  if (file) writeFileSync(file, JSON.stringify({ p99: ms(delays.percentile(99)), worst: ms(delays.max) }));
  delays.reset();
  delays.enable();
});
