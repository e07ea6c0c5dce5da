import { parseArgs } from "node:util";
import { judgeCases } from "../test/conformance/firewall/judge.ts";
import { withBothPlanes } from "./both-planes.ts";

/**
 * Random packets after random histories, judged by the model of the firewall and by both data planes:
 *
 *     npm run fuzz:firewall [-- --cases 1000000 --seed 1]
 *
 * It fails when one of them judges otherwise than the model, and tells what led to it.
 */
const { values } = parseArgs({ options: { cases: { type: "string" }, seed: { type: "string" } } });
const cases = Number(values.cases ?? 1_000_000);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const { result: findings, names, seconds } = await withBothPlanes((planes) => judgeCases(planes, { cases, seed }));
for (const example of findings.examples) console.log(example);
console.log(`${findings.cases} packets judged by the model, ${names.join(", ")} in ${seconds} s, seed ${seed}`);
for (const [verdict, count] of [...findings.verdicts].sort()) console.log(`  ${verdict}: ${count}`);
for (const name of names)
  console.log(`  histories that ${name} judges otherwise: ${findings.disagreements.get(name) ?? 0}`);
process.exitCode = findings.disagreements.size > 0 ? 1 : 0;
