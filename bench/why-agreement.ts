import { parseArgs } from "node:util";
import { NativeProbe, nativeBinary } from "../test/conformance/native-probe.ts";
import { ReferenceProbe } from "../test/conformance/reference-probe.ts";
import type { DataPlaneProbe } from "../test/conformance/step.ts";
import { agree } from "../test/conformance/why/agreement.ts";

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
const planes = new Map<string, DataPlaneProbe>([["reference", new ReferenceProbe()]]);
process.env["LACIS_DATAPLANE"] ??= "native/target/release/lacis-dataplane";
const binary = nativeBinary();
if (binary) planes.set("native", new NativeProbe(binary));
const begun = performance.now();
const found = await agree(planes, { packets, seed });
for (const plane of planes.values()) await plane.close();
for (const disagreement of found.disagreements) console.log(disagreement);
const seconds = ((performance.now() - begun) / 1000).toFixed(1);
console.log(`${found.packets} packets judged by why, ${[...planes.keys()].join(", ")} in ${seconds} s, seed ${seed}`);
for (const [verdict, count] of [...found.verdicts].sort()) console.log(`  ${verdict}: ${count}`);
process.exitCode = found.disagreements.length > 0 ? 1 : 0;
