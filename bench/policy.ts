import { parseArgs } from "node:util";
import { deflated } from "../src/core/base/deflate.ts";
import { encodePolicyBulletin } from "../src/core/policy/body.ts";
import { compilePolicy } from "../src/core/policy/compile.ts";
import { policyOf } from "../test/property/policy/read-policy.ts";
import { CountingEntropy } from "../test/unit/fixtures/counting-entropy.ts";
import { Mesh } from "../test/unit/fixtures/mesh.ts";
import { ownCpuUs } from "./own-cpu.ts";

/**
 * A policy comes to a network of simulated hosts that know one lighthouse, where it is published: how long until all of them go by it, as the lighthouse counts.
 *
 *     npm run bench:policy [-- --hosts 1000 --rules 880]
 *
 * It fails when one of them has not applied it after five seconds.
 */
const { values } = parseArgs({ options: { hosts: { type: "string" }, rules: { type: "string" } } });
const count = Number(values.hosts ?? 1_000);
const rules = Number(values.rules ?? 880);
const LIMIT_MS = 5_000;
const LIGHTHOUSE = "192.0.2.1:4242";
const GROUPS = Array.from({ length: 20 }, (_, i) => `group${i}`);

const mesh = new Mesh();
const reports = { lighthouses: ["10.77.0.1"], statics: { "10.77.0.1": [LIGHTHOUSE] } };
const lighthouse = mesh.host(LIGHTHOUSE, { name: "lighthouse", networks: ["10.77.0.1/16"], amLighthouse: true });
const hosts = Array.from({ length: count }, (_, i) => {
  const at = i + 2;
  const [high, low] = [at >> 8, at & 255];
  const host = mesh.host(`198.18.${high}.${low}:4242`, {
    name: `host${i}`,
    networks: [`10.77.${high}.${low}/16`],
    groups: [GROUPS[i % GROUPS.length] ?? ""],
    keySeed: at,
    ...reports,
  });
  // They do not start in one instant: a lighthouse takes so many strangers a second.
  if (i % 10 === 0) mesh.run(100);
  return host;
});
for (const host of [lighthouse, ...hosts]) host.reload({ ...host.settings.live, goesByPolicy: true });
while (lighthouse.status().peers.filter(({ state }) => state === "up").length < count) mesh.run(1_000);

// Without a pattern: the body travels deflated.
const chance = new CountingEntropy(7);
const below = (count: number): number => new DataView(chance.bytes(4).buffer).getUint32(0) % count;
const lines = Array.from({ length: rules }, () => {
  const [from, to] = [GROUPS[below(20)] ?? "", GROUPS[below(20)] ?? ""];
  return `  - {from: ${from}, to: ${to}, allow: ${below(2) === 0 ? "tcp" : "udp"}/${1_000 + below(60_000)}}`;
});
const policy = policyOf(`groups: [${GROUPS.join(", ")}]\nrules:\n${lines.join("\n")}\n`);
const body = encodePolicyBulletin({ policy, stage: undefined });
const applied = (): number => lighthouse.status().bulletins[0]?.applied ?? 0;

const [publishedAt, cpuBeganUs] = [mesh.now, ownCpuUs()];
lighthouse.publish(mesh.authority.bulletin({ kind: "policy", number: 1, body }));
while (applied() < count + 1 && mesh.now - publishedAt < LIMIT_MS) mesh.run(10);
const cpuUs = ownCpuUs() - cpuBeganUs;
const [reached, ms] = [applied(), mesh.now - publishedAt];

const facts = { name: "host0", groups: ["group0"], addresses: [], behind: [] };
const beganAt = performance.now();
for (let i = 0; i < 100; i++) compilePolicy(policy, facts);
const compileMs = (performance.now() - beganAt) / 100;

console.log(
  `${rules} rules (${body.length} bytes, ${deflated(body).length} deflated) applied by ${reached} of ${count + 1} hosts in ${ms} ms of the network's time`,
);
console.log(
  `  ${(cpuUs / 1_000_000).toFixed(1)} s of processor time for all of them together; one host compiles its rules in ${compileMs.toFixed(2)} ms`,
);
process.exitCode = reached === count + 1 ? 0 : 1;
