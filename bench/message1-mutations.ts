import { msAllowed, mutateMessages1 } from "../test/property/message1-mutations.ts";

/**
 * What it costs to refuse a message 1, whatever is in it: 200,000 changed ones of up to 9,001 bytes, genuine ones and such as were made to be
 * expensive. The slowest may take 1 ms of processor time, or twenty times what a signature takes here; exit status 1 when one takes more. About a minute:
 *
 *     npm run fuzz:messages [-- COUNT [SEED]]
 */
const count = Number(process.argv[2] ?? 200_000);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const begun = performance.now();
const report = mutateMessages1(count, seed);
const { answered, slowestMs, slowestKind, medianMs } = report;
const allowedMs = msAllowed(report);
const seconds = ((performance.now() - begun) / 1000).toFixed(1);
console.log(
  `${count} messages 1 in ${seconds} s, seed ${seed}: ${answered} answered; refused in ${medianMs.toFixed(3)} ms (median), ${slowestMs.toFixed(3)} ms (slowest: ${slowestKind}); allowed: ${allowedMs.toFixed(1)} ms`,
);
process.exitCode = slowestMs <= allowedMs ? 0 : 1;
