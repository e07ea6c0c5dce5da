import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createAuthority, generateHostKey, issue, parsePrefix } from "../certs/index.ts";

/**
 * How fast one process signs, and how fast lacis-cert starts. Exit status 1 when a figure that we promise is missed:
 *
 *     npm run bench:certificates
 */
const HOSTS = 1000;
const SIGNING_SECONDS_MAX = 2;
const STARTS = 15;
const START_MS_MAX = 150;

let missed = false;
for (const curve of ["CURVE25519", "P256"] as const) {
  const keys = seconds(() => {
    for (let i = 0; i < HOSTS; i++) generateHostKey(curve);
  });
  const signing = seconds(() => signAll(curve));
  report(`${HOSTS} host certificates signed on ${curve}`, signing, "s", SIGNING_SECONDS_MAX);
  console.log(`  and ${keys.toFixed(2)} s more where their keys are made here too`);
}
const program = fileURLToPath(new URL("../certs/cli/main.js", import.meta.url));
const starts = Array.from({ length: STARTS }, () => seconds(() => spawnSync(process.execPath, [program, "--version"])));
report(`lacis-cert starts, median of ${STARTS}`, median(starts) * 1000, "ms", START_MS_MAX);
const bare = Array.from({ length: STARTS }, () => seconds(() => spawnSync(process.execPath, ["-e", "0"])));
console.log(`  of which Node itself ${(median(bare) * 1000).toFixed(0)} ms`);
process.exitCode = missed ? 1 : 0;

function signAll(curve: "CURVE25519" | "P256"): void {
  const now = BigInt(Math.floor(Date.now() / 1000));
  const made = createAuthority({ name: "mesh", curve, notBefore: now, notAfter: now + 1000n });
  if (!made.ok) throw new Error(made.reason.why);
  const { publicKey } = generateHostKey(curve);
  for (let i = 0; i < HOSTS; i++) {
    const networks = [parsePrefix(`10.77.${i >> 8}.${i & 255 || 1}/16`)!];
    const issued = issue(made.value.authority, {
      name: `host-${i}`,
      networks,
      groups: ["servers"],
      publicKey,
      curve,
      notBefore: now,
    });
    if (!issued.ok) throw new Error(issued.reason.why);
  }
}

function report(what: string, value: number, unit: string, promised: number): void {
  console.log(`${what}: ${value.toFixed(2)} ${unit} (promised: below ${promised} ${unit})`);
  missed ||= value >= promised;
}

function seconds(work: () => unknown): number {
  const begun = performance.now();
  work();
  return (performance.now() - begun) / 1000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
