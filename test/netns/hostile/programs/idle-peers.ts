import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  certificateToPem,
  generateHostKey,
  issue,
  openAuthority,
  type Prefix,
  parsePrefix,
} from "../../../../certs/index.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { openNode } from "../../../../src/index.ts";
import { readClock } from "../../../../src/runtime/clock.ts";
import { formatHostConfig } from "../../lab/host-config.ts";

/**
 * `idle-peers AUTHORITY DIRECTORY TARGET UNDERLAY ADDRESS...`: hosts without devices, all in this process, one at each underlay address: each gets a
 * certificate from the authority in a folder, builds a tunnel to the overlay address TARGET, which is at UNDERLAY, and is idle from then on. Prints
 * "standing" when all stand, or "no answer".
 */
const [authority = "", directory = "", target = "", underlay = "", ...addresses] = process.argv.slice(2);

const ca = openCa();
const hosts = await Promise.all(
  addresses.map(async (listen, i) =>
    openNode({ config: configOf(listen, i), stateDirectory: join(directory, `state-${i}`) }),
  ),
);
const answers = await Promise.all(
  hosts.map((host) => host.ping({ by: "address", address: target as IpAddress }, 10_000)),
);
process.stdout.write(answers.every(({ outcome }) => outcome === "pong") ? "standing\n" : "no answer\n");

function configOf(listen: string, i: number): string {
  const home = join(directory, `peer-${i}`);
  mkdirSync(home, { recursive: true });
  const { publicKey, privateKeyPem } = generateHostKey("CURVE25519");
  const networks = [parsePrefix(`10.77.0.${100 + i}/24`) as Prefix];
  const { notBefore } = ca.certificate;
  const certificate = issue(ca, { name: `idle-${i}`, networks, publicKey, curve: "CURVE25519", notBefore });
  if (!certificate.ok) throw new Error(JSON.stringify(certificate.reason));
  writeFileSync(join(home, "host.crt"), certificateToPem(certificate.value));
  writeFileSync(join(home, "host.key"), privateKeyPem, { mode: 0o600 });
  writeFileSync(join(home, "ca.crt"), readFileSync(join(authority, "ca.crt")));
  const config = join(home, "config.yml");
  const known = { lighthouse: "none", staticHosts: { [target]: underlay } } as const;
  writeFileSync(config, formatHostConfig({ directory: home, cipher: "aes", ...known, tun: false, listen }));
  return config;
}

function openCa(): Parameters<typeof issue>[0] {
  const certificateFile = join(authority, "ca-v2.crt");
  const keyFile = join(authority, "ca-v2.key");
  const [certificatePem, keyPem] = [readFileSync(certificateFile, "utf8"), readFileSync(keyFile, "utf8")];
  const opened = openAuthority({ certificateFile, certificatePem, keyFile, keyPem }, readClock().wall);
  if (!opened.ok) throw new Error(JSON.stringify(opened.reason));
  return opened.value;
}
