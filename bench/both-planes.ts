import { NativeProbe, nativeBinary } from "../test/conformance/native-probe.ts";
import { ReferenceProbe } from "../test/conformance/reference-probe.ts";
import type { DataPlaneProbe } from "../test/conformance/step.ts";

/** Both data planes by name, the native one where it is built; and what is printed of how long it took them. */
export async function withBothPlanes<Result>(
  work: (planes: ReadonlyMap<string, DataPlaneProbe>) => Promise<Result>,
): Promise<{ readonly result: Result; readonly names: readonly string[]; readonly seconds: string }> {
  const planes = new Map<string, DataPlaneProbe>([["reference", new ReferenceProbe()]]);
  process.env["LACIS_DATAPLANE"] ??= "native/target/release/lacis-dataplane";
  const binary = nativeBinary();
  if (binary) planes.set("native", new NativeProbe(binary));
  const begun = performance.now();
  const result = await work(planes);
  for (const plane of planes.values()) await plane.close();
  return { result, names: [...planes.keys()], seconds: ((performance.now() - begun) / 1000).toFixed(1) };
}
