import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { certificateToPem } from "../certs/index.ts";
import { Banner, encodePem } from "../src/core/cert/pem.ts";
import { findDataPlaneBinary } from "../src/runtime/dataplane/native/native-process.ts";
import { nodeSuite } from "../src/runtime/node-crypto.ts";
import { LACIS } from "../test/netns/lab/implementation.ts";
import { inspectProcess } from "../test/netns/lab/process.ts";
import { TestAuthority } from "../test/unit/fixtures/authority.ts";
import { Fleet } from "./fleet.ts";
import { option } from "./pairing.ts";

/**
 * A lighthouse without TUN and without Rust on one core, asked by hosts on the other:
 *
 *     npm run bench:lighthouse [-- --hosts N] [--rate N] [--seconds N] [--report N] [--native] [--profile FOLDER]
 *
 * Each host is real to it: a certificate and keys of its own, a handshake, a tunnel that stays up, a report every `--report` seconds (60), and
 * answers to its test requests. "Known" are hosts that have registered over their tunnel, and are found by a query. Each query comes through
 * the asker's tunnel and costs an answer to it and a punch notice to the host asked for. A latency is from the moment when a query was due
 * to when its answer had been opened and read, what the askers' own core takes included. `--native` has the data plane in Rust beside it,
 * on the same core. Exit status 1 when a figure that we promise is missed.
 */
const P99_MS_MAX = 5;
const RESIDENT_MB_MAX = 150;
const ANSWERED_MIN = 0.999;
/** Below what a lighthouse takes of handshakes from networks that it knows. */
const REGISTRATIONS_PER_SECOND = 400;
const YEAR = 365n * 86_400n;

async function main(): Promise<number> {
  const hosts = Number(option("--hosts") ?? "20000");
  const queriesPerSecond = Number(option("--rate") ?? "5000");
  const seconds = Number(option("--seconds") ?? "20");
  const reportEverySeconds = Number(option("--report") ?? "60");
  const isNative = process.argv.includes("--native");
  const authority = new TestAuthority(nodeSuite, 7);
  const notAfter = BigInt(Math.floor(Date.now() / 1000)) + YEAR;
  const port = 20_000 + (process.pid % 20_000);
  const directory = mkdtempSync(join(tmpdir(), "lacis-lighthouse-"));
  const daemon = start(directory, { authority, notAfter, port, isNative });
  process.once("exit", () => daemon.kill("SIGKILL"));
  const ended = new Promise<number>((resolve) => daemon.once("exit", (status) => resolve(status ?? 1)));
  try {
    await sleep(1_500);
    const empty = residentMb(daemon);
    if (availableParallelism() > 1) execFileSync("taskset", ["-a", "-p", "-c", "1", String(process.pid)]);
    const fleet = await Fleet.open({ hosts, lighthousePort: port, authority, notAfter });
    const begun = performance.now();
    await Promise.race([fleet.register(REGISTRATIONS_PER_SECOND), failed(ended)]);
    console.log(
      `${hosts} hosts registered in ${((performance.now() - begun) / 1000).toFixed(0)} s; resident: ${empty} MB before, ${residentMb(daemon)} MB with them`,
    );
    const cpuBefore = cpuSeconds(daemon);
    const wallBefore = performance.now();
    const said = await Promise.race([fleet.load({ seconds, queriesPerSecond, reportEverySeconds }), failed(ended)]);
    const cores = ((cpuSeconds(daemon) - cpuBefore) * 1000) / (performance.now() - wallBefore);
    const resident = residentMb(daemon);
    const latencies = fleet.latencies.toSorted((a, b) => a - b);
    const at = (share: number): number => latencies[Math.floor(share * (latencies.length - 1))] ?? Number.NaN;
    const answered = latencies.length / said.asked;
    console.log(
      `${queriesPerSecond} queries/s and ${Math.round(hosts / reportEverySeconds)} reports/s for ${seconds} s: ${(answered * 100).toFixed(2)} % answered, latency median ${at(0.5).toFixed(2)} ms, p99 ${at(0.99).toFixed(2)} ms, worst ${at(1).toFixed(1)} ms; ${(cores * 100).toFixed(0)} % of a core; resident ${resident} MB (highest ever ${residentMb(daemon, "VmHWM")} MB)`,
    );
    const known = await Promise.race([fleet.known(4_000), failed(ended)]);
    console.log(`known, by asking for each: ${known} of ${hosts}; heard: ${JSON.stringify(fleet.heard)}`);
    fleet.close();
    const isKept =
      at(0.99) <= P99_MS_MAX &&
      resident <= RESIDENT_MB_MAX &&
      answered >= ANSWERED_MIN &&
      known >= hosts * ANSWERED_MIN;
    console.log(
      `${isKept ? "ok" : "FAIL"}: promised are p99 <= ${P99_MS_MAX} ms and at most ${RESIDENT_MB_MAX} MB, ${isNative ? "both processes" : "one process"}`,
    );
    return isKept ? 0 : 1;
  } finally {
    daemon.kill("SIGTERM");
    await ended;
    rmSync(directory, { recursive: true, force: true });
  }
}

interface LighthousePlan {
  readonly authority: TestAuthority;
  readonly notAfter: bigint;
  readonly port: number;
  readonly isNative: boolean;
}

function start(directory: string, { authority, notAfter, port, isNative }: LighthousePlan): ChildProcess {
  const seed = new Uint8Array(32).fill(9);
  const { publicKey } = nodeSuite.agreement("CURVE25519")!.load(seed)!;
  const certificate = authority.issue(1, { name: "lighthouse", networks: ["10.0.0.1/8"], notAfter, publicKey });
  const write = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const pki = {
    ca: write("ca.crt", certificateToPem(authority.certificate)),
    cert: write("host.crt", certificateToPem(certificate)),
    key: write("host.key", encodePem(Banner.x25519PrivateKey, seed)),
  };
  const anybody = [{ port: "any", proto: "any", host: "any" }];
  const config = write(
    "config.yml",
    JSON.stringify({
      pki,
      lighthouse: { am_lighthouse: true },
      static_host_map: {},
      listen: { host: "127.0.0.1", port },
      tun: { disabled: true },
      firewall: { inbound: anybody, outbound: anybody },
      logging: { level: "warning" },
    }),
  );
  const profile = option("--profile");
  const flags = profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`];
  const [node, ...rest] = LACIS.daemon(config);
  const args = [...flags, ...rest, "--state-dir", join(directory, "state")];
  const command = availableParallelism() > 1 ? ["taskset", "-c", "0", node, ...args] : [node, ...args];
  const { LACIS_DATAPLANE: _, ...env } = process.env;
  return spawn(command[0]!, command.slice(1), {
    stdio: ["ignore", "inherit", "inherit"],
    env: isNative ? { ...env, LACIS_DATAPLANE: findDataPlaneBinary() } : env,
  });
}

async function failed(ended: Promise<number>): Promise<never> {
  throw new Error(`the lighthouse ended with status ${await ended}`);
}

/** The daemon and its children. */
function processes(daemon: ChildProcess): readonly number[] {
  const children = spawnSync("pgrep", ["-P", String(daemon.pid)], { encoding: "utf8" }).stdout.split("\n");
  return [daemon.pid!, ...children.filter(Boolean).map(Number)];
}

function residentMb(daemon: ChildProcess, field = "VmRSS"): number {
  const kilobytes = processes(daemon).map((pid) => {
    const line = new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return Number(line?.[1] ?? 0);
  });
  return Math.round(kilobytes.reduce((sum, one) => sum + one, 0) / 1024);
}

function cpuSeconds(daemon: ChildProcess): number {
  return processes(daemon).reduce((sum, pid) => sum + inspectProcess(pid).cpuSeconds, 0);
}

process.exitCode = await main();
