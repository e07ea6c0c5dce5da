import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { openNode } from "../../../../src/index.ts";

/**
 * `pingers TARGET CONFIG...`: starts a host without a device for each configuration; each pings the overlay address TARGET five times a second
 * through its tunnel. Says `sending` once each has had its first answer. On SIGTERM it prints, as JSON, how many pings were sent, how many
 * were not answered within two seconds, and the longest that an answer took.
 */
const [target = "", ...configs] = process.argv.slice(2);
const EVERY_MS = 200;
const TIMEOUT_MS = 2_000;

const to = { by: "address", address: target as IpAddress } as const;
const nodes = await Promise.all(configs.map((config) => openNode({ config, stateDirectory: `${config}.state` })));
for (const node of nodes) {
  const first = await node.ping(to, 10_000);
  if (first.outcome !== "pong") throw new Error(`no tunnel: ${JSON.stringify(first)}`);
}
let sent = 0;
let lost = 0;
let worstMs = 0;
const pending = new Set<Promise<void>>();
const pinging = nodes.map((node) =>
  setInterval(() => {
    sent++;
    const pinged = node.ping(to, TIMEOUT_MS).then((result) => {
      if (result.outcome === "pong") worstMs = Math.max(worstMs, result.roundTripMs);
      else lost++;
      pending.delete(pinged);
    });
    pending.add(pinged);
  }, EVERY_MS),
);
process.on("SIGTERM", async () => {
  for (const each of pinging) clearInterval(each);
  await Promise.all(pending);
  const report = JSON.stringify({ hosts: nodes.length, sent, lost, worstMs: Math.round(worstMs) });
  process.stdout.write(`${report}\n`, () => process.exit(0));
});
process.stdout.write("sending\n");
