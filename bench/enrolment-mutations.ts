import { mutateRequests } from "../test/property/enrolment-mutations.ts";

/**
 * A hundred thousand changed requests to an enrolment service: none may be answered with 5xx, and no secret may be in its log or in a refusal.
 *
 *     npm run fuzz:enrolment [-- COUNT [SEED]]
 */
const count = Number(process.argv[2] ?? 100_000);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const begun = performance.now();
const { requests, statuses, leaks } = await mutateRequests(count, seed);
const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
const faults = [...statuses].filter(([status]) => status >= 500).reduce((sum, [, times]) => sum + times, 0);
const told = [...statuses].sort(([a], [b]) => a - b).map(([status, times]) => `${status}: ${times}`);
console.log(`${requests} changed requests in ${seconds} s, seed ${seed}: ${told.join(", ")}`);
console.log(`answers of 5xx: ${faults} (promised: 0); secrets told: ${leaks.length} (promised: 0)`);
process.exitCode = faults > 0 || leaks.length > 0 ? 1 : 0;
