import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, constants, tmpdir } from "node:os";
import { join } from "node:path";
import { certificateToPem } from "../certs/index.ts";
import { Banner, encodePem } from "../src/core/cert/pem.ts";
import { findDataPlaneBinary } from "../src/runtime/dataplane/native/native-process.ts";
import { nodeSuite } from "../src/runtime/node-crypto.ts";
import { type Implementation, PROJECT } from "../test/netns/lab/implementation.ts";
import { inspectProcess, memoryBytes } from "../test/netns/lab/process.ts";
import { TestAuthority } from "../test/unit/fixtures/authority.ts";

/** Which program is measured. */
export interface Contender {
  readonly name: string;
  readonly implementation: Implementation;
  /** Ours with the data plane in Rust beside it; else, and always for Nebula, one process. */
  readonly isNative: boolean;
}

export interface LonePlan {
  readonly authority: TestAuthority;
  readonly notAfter: bigint;
  readonly port: number;
  readonly amLighthouse: boolean;
  /** Options of Node.js, for profiles. */
  readonly nodeOptions?: readonly string[];
}

export interface Spent<Value> {
  readonly value: Value;
  readonly seconds: number;
  readonly cpuSeconds: readonly number[];
}

const YEAR = 365n * 86_400n;

/** What a lone host and its peers share: who vouches for them, until when, and where it is. */
export function meeting(): Pick<LonePlan, "authority" | "notAfter" | "port"> {
  return {
    authority: new TestAuthority(nodeSuite, 7),
    notAfter: BigInt(Math.floor(Date.now() / 1000)) + YEAR,
    port: 20_000 + (process.pid % 20_000),
  };
}

/** One daemon without a TUN device on the first core, whose peers are a load generator on the other. It needs no privilege. */
export class LoneHost {
  readonly #daemon: ChildProcess;
  readonly #directory: string;
  readonly #ended: Promise<number>;

  constructor(contender: Contender, plan: LonePlan) {
    this.#directory = mkdtempSync(join(tmpdir(), "lacis-lone-"));
    this.#daemon = start(this.#directory, contender, plan);
    process.once("exit", this.#kill);
    for (const signal of ENDED_BY) process.on(signal, leave);
    this.#ended = new Promise((resolve) => this.#daemon.once("exit", (status) => resolve(status ?? 1)));
  }

  get stateDirectory(): string {
    return join(this.#directory, "state");
  }

  /** Fails when the daemon ends first. */
  async outlives<Value>(work: Promise<Value>): Promise<Value> {
    const failure = this.#ended.then((status): never => {
      throw new Error(`the daemon ended with status ${status}`);
    });
    return Promise.race([work, failure]);
  }

  async stop(): Promise<void> {
    this.#daemon.kill("SIGTERM");
    await this.#ended;
    process.off("exit", this.#kill);
    for (const signal of ENDED_BY) process.off(signal, leave);
    this.#clear();
  }

  /** Of each of its processes, the daemon first. */
  residentMb(field: "VmRSS" | "VmHWM" = "VmRSS"): readonly number[] {
    return this.#processes().map((pid) => memoryBytes(pid, field) / 2 ** 20);
  }

  /** Has something done that the daemon has to outlive, and says how long it took and what each of its processes spent meanwhile, the daemon first. */
  async spend<Value>(work: () => Promise<Value>): Promise<Spent<Value>> {
    const [begun, before] = [performance.now(), this.#cpuSeconds()];
    const value = await this.outlives(work());
    const seconds = (performance.now() - begun) / 1000;
    return { value, seconds, cpuSeconds: this.#cpuSeconds().map((after, i) => after - (before[i] ?? 0)) };
  }

  /** Processor time of each process since its start. */
  #cpuSeconds(): readonly number[] {
    return this.#processes().map((pid) => inspectProcess(pid).cpuSeconds);
  }

  signal(name: NodeJS.Signals): void {
    this.#daemon.kill(name);
  }

  /** The data plane, too: it would wait for another daemon. */
  readonly #kill = (): void => {
    spawnSync("kill", ["-KILL", ...this.#processes().map(String)]);
    this.#clear();
  };

  #clear(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** The daemon and its children. */
  #processes(): readonly number[] {
    const children = spawnSync("pgrep", ["-P", String(this.#daemon.pid)], { encoding: "utf8" }).stdout.split("\n");
    return [this.#daemon.pid!, ...children.filter(Boolean).map(Number)];
  }
}

const ENDED_BY = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A signal alone would end the bench without a word to whoever waits for its exit. */
function leave(signal: (typeof ENDED_BY)[number]): void {
  process.exit(128 + constants.signals[signal]);
}

/** Asked before this process leaves the first core: afterwards it would say 1, and all would run on the core that is left. */
const hasTwoCores = availableParallelism() > 1;

/** What measures leaves the first core to what is measured. */
export function leaveFirstCore(): void {
  if (hasTwoCores) execFileSync("taskset", ["-a", "-p", "-c", "1", String(process.pid)]);
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, one) => total + one, 0);
}

function start(directory: string, { implementation, isNative }: Contender, plan: LonePlan): ChildProcess {
  const [program, ...rest] = implementation.daemon(writeConfig(directory, plan));
  const isOurs = program === process.execPath;
  const args = isOurs ? [...(plan.nodeOptions ?? []), ...rest, "--state-dir", join(directory, "state")] : rest;
  const command = hasTwoCores ? ["taskset", "-c", "0", program, ...args] : [program, ...args];
  const { LACIS_DATAPLANE: _, ...environment } = process.env;
  const env = isOurs ? { ...environment, ...unitEnvironment() } : environment;
  return spawn(command[0]!, command.slice(1), {
    stdio: ["ignore", "inherit", "inherit"],
    env: isNative ? { ...env, LACIS_DATAPLANE: findDataPlaneBinary() } : env,
  });
}

/** What the packaged unit runs a daemon with, but for the broker, which is another unit. */
function unitEnvironment(): NodeJS.ProcessEnv {
  const unit = readFileSync(join(PROJECT, "examples/lacis.service"), "utf8");
  const lines = [...unit.matchAll(/^Environment=(\w+)=(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]);
  return Object.fromEntries(lines.filter(([name]) => name !== "LACIS_BROKER"));
}

function writeConfig(directory: string, { authority, notAfter, port, amLighthouse }: LonePlan): string {
  const seed = new Uint8Array(32).fill(9);
  const { publicKey } = nodeSuite.agreement("CURVE25519")!.load(seed)!;
  const certificate = authority.issue(1, { name: "lone", networks: ["10.0.0.1/8"], notAfter, publicKey });
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
  return write(
    "config.yml",
    JSON.stringify({
      pki,
      lighthouse: { am_lighthouse: amLighthouse },
      static_host_map: {},
      listen: { host: "127.0.0.1", port },
      tun: { disabled: true },
      firewall: { inbound: anybody, outbound: anybody },
      logging: { level: "warning" },
    }),
  );
}
