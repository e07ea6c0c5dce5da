import { parseArgs } from "node:util";
import { agreeOnPolicies } from "../test/property/policy/agreement.ts";

/**
 * Random packets between random hosts under random policies: what the policy says of each, and what the hosts do that compiled it:
 *
 *     npm run fuzz:policy [-- --packets 1000000 --seed 1]
 *
 * It fails when they disagree, and tells about what.
 */
const { values } = parseArgs({ options: { packets: { type: "string" }, seed: { type: "string" } } });
const packets = Number(values.packets ?? 1_000_000);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const beganAt = performance.now();
const found = agreeOnPolicies({ packets, seed });
for (const disagreement of found.disagreements) console.log(disagreement);
const seconds = ((performance.now() - beganAt) / 1000).toFixed(1);
console.log(
  `${found.packets} packets under ${found.policies} policies, judged by the policy and by the hosts, in ${seconds} s, seed ${seed}`,
);
for (const [verdict, count] of [...found.verdicts].sort()) console.log(`  ${verdict}: ${count}`);
process.exitCode = found.disagreements.length > 0 ? 1 : 0;
