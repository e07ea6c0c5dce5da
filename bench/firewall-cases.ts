import { parseArgs } from "node:util";
import { judgeCases } from "../test/conformance/firewall/judge.ts";
import { NativeProbe, nativeBinary } from "../test/conformance/native-probe.ts";
import { ReferenceProbe } from "../test/conformance/reference-probe.ts";
import type { DataPlaneProbe } from "../test/conformance/step.ts";

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
const planes = new Map<string, DataPlaneProbe>([["reference", new ReferenceProbe()]]);
process.env["LACIS_DATAPLANE"] ??= "native/target/release/lacis-dataplane";
const binary = nativeBinary();
if (binary) planes.set("native", new NativeProbe(binary));
const begun = performance.now();
const findings = await judgeCases(planes, { cases, seed });
for (const plane of planes.values()) await plane.close();
for (const example of findings.examples) console.log(example);
const seconds = ((performance.now() - begun) / 1000).toFixed(1);
console.log(
  `${findings.cases} packets judged by the model, ${[...planes.keys()].join(", ")} in ${seconds} s, seed ${seed}`,
);
for (const [verdict, count] of [...findings.verdicts].sort()) console.log(`  ${verdict}: ${count}`);
for (const name of planes.keys())
  console.log(`  histories that ${name} judges otherwise: ${findings.disagreements.get(name) ?? 0}`);
process.exitCode = findings.disagreements.size > 0 ? 1 : 0;
