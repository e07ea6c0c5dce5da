import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { CONTRACT_VERSIONS } from "../../src/core/dataplane/contract.ts";
import { encodeToDataPlane } from "../../src/runtime/dataplane/contract/codec.ts";
import { encodeFromDataPlane } from "./data-plane-reports.ts";
import { toMeaning } from "./meaning.ts";
import { otherRequests, reports, requests, results } from "./samples.ts";

// `npx tsc -b && node dist/test/contract/record.js && npx biome check --write test/contract`: puts on record what has no record yet, in the words of the newest contract. What is
// there stays as it is: it has been said, and is understood for ever.

const folder = `test/contract/recorded/v${CONTRACT_VERSIONS.newest}`;

for (const [at, [name, request]] of [...Object.entries(requests), ...otherRequests].entries()) {
  const requestId = BigInt(at + 1);
  const frames = encodeToDataPlane(requestId, request);
  record("to", name, frames.ok ? frames.value[0] : undefined, { requestId, request });
}
for (const [name, report] of [...Object.entries(reports), ...results]) {
  const frame = encodeFromDataPlane(report);
  record("from", name, frame.ok ? frame.value : undefined, report);
}

function record(way: "to" | "from", name: string, frame: Uint8Array | undefined, meaning: object): void {
  const file = `${folder}/${way}/${name}`;
  if (existsSync(`${file}.bin`)) return;
  if (!frame) throw new Error(`${name} fits no frame`);
  mkdirSync(`${folder}/${way}`, { recursive: true });
  writeFileSync(`${file}.bin`, frame);
  writeFileSync(`${file}.json`, `${JSON.stringify(toMeaning(meaning), null, 2)}\n`);
}
