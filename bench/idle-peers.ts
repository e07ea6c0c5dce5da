import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseCertificates } from "../src/core/cert/decode.ts";
import { nodeSuite } from "../src/runtime/node-crypto.ts";
import { TestAuthority } from "../test/unit/fixtures/authority.ts";
import { Fleet } from "./fleet.ts";

/**
 * Peers of the host on this machine that have tunnels and nothing to say, until it is ended:
 *
 *     node dist/bench/idle-peers.js PORT COUNT NETWORK CA
 *
 * NETWORK: the first two bytes of their overlay addresses. CA: the certificate of who vouches for the host, first in a file. One line on standard output when all tunnels stand.
 */

const DAY = 86_400n;
const A_LONG_TIME_MS = 3_600_000;

/** Who vouches for them: the same in every process. */
export function idlePeersAuthority(): TestAuthority {
  return new TestAuthority(nodeSuite, 11);
}

async function main([port, count, network, ca]: readonly string[]): Promise<void> {
  if (network === undefined || ca === undefined) throw new Error("give PORT, COUNT, NETWORK and CA");
  const certificates = parseCertificates(readFileSync(ca, "utf8"), nodeSuite);
  const [certificate] = certificates.ok ? certificates.value : [];
  if (!certificate) throw new Error(`${ca} has no certificate`);
  const notAfter = BigInt(Math.floor(Date.now() / 1000)) + DAY;
  const authority = idlePeersAuthority();
  const fleet = await Fleet.open({
    hosts: Number(count),
    lighthousePort: Number(port),
    authority,
    notAfter,
    network,
    trusts: { certificate },
  });
  await fleet.connect();
  console.log(`${count} tunnels stand`);
  await sleep(A_LONG_TIME_MS);
}

if (process.argv[1] === import.meta.filename) await main(process.argv.slice(2));
