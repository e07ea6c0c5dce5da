import { parseArgs } from "node:util";
import { agree } from "../test/conformance/why/agreement.ts";
import { withBothPlanes } from "./both-planes.ts";

/**
 * Random packets between random hosts: what `lacis why` says of each, and what both data planes do with it:
 *
 *     npm run fuzz:why [-- --packets 100000 --seed 1]
 *
 * It fails when they disagree, and tells about what.
 */
const { values } = parseArgs({ options: { packets: { type: "string" }, seed: { type: "string" } } });
const packets = Number(values.packets ?? 100_000);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const { result: found, names, seconds } = await withBothPlanes((planes) => agree(planes, { packets, seed }));
for (const disagreement of found.disagreements) console.log(disagreement);
console.log(`${found.packets} packets judged by why, ${names.join(", ")} in ${seconds} s, seed ${seed}`);
for (const [verdict, count] of [...found.verdicts].sort()) console.log(`  ${verdict}: ${count}`);
process.exitCode = found.disagreements.length > 0 ? 1 : 0;
