import { rmSync } from "node:fs";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { openNode } from "../../../../src/index.ts";

/**
 * `callers TARGET CONFIG...`: for each configuration one after the other a host without a device starts, calls the overlay address TARGET, and
 * stops; prints, as JSON, in how many milliseconds each had an answer through the new tunnel, null where none came within ten seconds.
 */
const [target, ...configs] = process.argv.slice(2);
const TIMEOUT_MS = 10_000;

const took: (number | null)[] = [];
for (const config of configs) {
  const stateDirectory = `${config}.state`;
  const node = await openNode({ config, stateDirectory });
  const startedAt = performance.now();
  const result = await node.ping({ by: "address", address: target as IpAddress }, TIMEOUT_MS);
  took.push(result.outcome === "pong" ? performance.now() - startedAt : null);
  await node.stop();
  rmSync(stateDirectory, { recursive: true, force: true });
}
process.stdout.write(`${JSON.stringify(took)}\n`, () => process.exit(0));
