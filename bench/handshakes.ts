import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { type Clock, instant, wallTime } from "../src/core/base/time.ts";
import type { Identity } from "../src/core/cert/identity.ts";
import type { LocalIndex } from "../src/core/dataplane/contract.ts";
import { HandshakeTime } from "../src/core/handshake/handshake-time.ts";
import { Initiation } from "../src/core/handshake/initiation.ts";
import type { Endpoint } from "../src/core/netip/endpoint.ts";
import { Node } from "../src/core/node.ts";
import { directPath } from "../src/core/path/path.ts";
import { daemonSuite } from "../src/runtime/crypto/daemon-suite.ts";
import { osEntropy } from "../src/runtime/node-crypto.ts";
import { TestAuthority } from "../test/unit/fixtures/authority.ts";
import { identityOf, settingsOf } from "../test/unit/fixtures/settings.ts";
import { ownCpuUs } from "./own-cpu.ts";
import { option } from "./pairing.ts";

/**
 * Handshakes per second that a responder completes in one process, the cryptography of both ends included:
 *
 *     node dist/bench/handshakes.js [--seconds N] [--threads N] [--cipher aes|chachapoly]
 *
 * In each thread one real node answers 256 hosts in turn. A handshake counts when the initiator has read message 2 and the
 * responder's session is confirmed. Exit status 1 below the figure we promise.
 */
const PROMISED_PER_SECOND = 1500;
const HOSTS = 256;

/** What a daemon computes with. */
const suite = daemonSuite();

interface Job {
  readonly seconds: number;
  readonly cipher: "aes" | "chachapoly";
}

/** What one thread did. */
interface Share {
  readonly handshakes: number;
  readonly ms: number;
  /** Processor time of the whole process until then. */
  readonly cpuBeginMs: number;
  readonly cpuEndMs: number;
}

async function main(): Promise<number> {
  const threads = Number(option("--threads") ?? "2");
  const job: Job = {
    seconds: Number(option("--seconds") ?? "4"),
    cipher: option("--cipher") === "chachapoly" ? "chachapoly" : "aes",
  };
  const shares = await Promise.all(Array.from({ length: threads }, () => inThread(job)));
  const rates = shares.map(({ handshakes, ms }) => Math.round((handshakes * 1000) / ms));
  const total = rates.reduce((sum, rate) => sum + rate, 0);
  console.log(
    `handshakes: ${total}/s with ${threads} threads (${rates.join(" + ")}), ${perCore(shares)}/s for each core it got, both ends, ${job.cipher}; promised: ${PROMISED_PER_SECOND}/s`,
  );
  return total >= PROMISED_PER_SECOND ? 0 : 1;
}

/** What the same work would come to on a machine that does nothing else, per core. */
function perCore(shares: readonly Share[]): number {
  const cpuMs =
    Math.max(...shares.map(({ cpuEndMs }) => cpuEndMs)) - Math.min(...shares.map((share) => share.cpuBeginMs));
  return Math.round((shares.reduce((sum, { handshakes }) => sum + handshakes, 0) * 1000) / cpuMs);
}

function inThread(job: Job): Promise<Share> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: job });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

function measure({ seconds, cipher }: Job): Share {
  const authority = new TestAuthority(suite, 7);
  const plan = { name: "responder", networks: ["10.77.0.1/16"], boot: { cipher } };
  const settings = settingsOf(identityOf(suite, plan, authority, 1, wallNow()), plan);
  const node = new Node(settings, { crypto: suite, entropy: osEntropy, clock: clockNow() });
  node.handle({ kind: "data-plane-up", udpPort: 4242, sessions: [] }, clockNow());
  const hosts = Array.from({ length: HOSTS }, (_, i) => {
    const host = { name: `host-${i}`, networks: [`10.77.1.${i}/16`] };
    const identity = identityOf(suite, host, authority, 2 + (i % 250), wallNow());
    return { crypto: suite, entropy: osEntropy, identity, cipher };
  });
  const time = new HandshakeTime();
  const shakeAll = (): void => {
    for (const [i, context] of hosts.entries()) {
      const localIndex = (i + 1) as LocalIndex;
      const initiation = Initiation.begin(context, { version: 1, localIndex, time: time.next(wallNow()) });
      if (!initiation || !answer(node, initiation, context.identity)) throw new Error("a handshake failed");
    }
  };
  shakeAll();
  const cpuBeginMs = ownCpuUs() / 1000;
  const begun = performance.now();
  let rounds = 0;
  for (; performance.now() - begun < seconds * 1000; rounds++) shakeAll();
  return { handshakes: rounds * HOSTS, ms: performance.now() - begun, cpuBeginMs, cpuEndMs: ownCpuUs() / 1000 };
}

function answer(node: Node, initiation: Initiation, trust: Identity): boolean {
  const event = {
    kind: "datagram",
    standing: "first",
    origin: directPath("192.0.2.1:4242" as Endpoint),
    datagram: initiation.message1,
  } as const;
  node.handle({ kind: "data-plane", event }, clockNow());
  let session: LocalIndex | undefined;
  let answered = false;
  for (let output = node.poll(); output; output = node.poll()) {
    if (output.to !== "data-plane") continue;
    const { command } = output;
    if (command.kind === "install-session") session = command.localIndex;
    if (command.kind === "send-datagram")
      answered = initiation.readMessage2(command.datagram, trust, wallNow()).kind === "answered";
  }
  if (session === undefined) return false;
  node.handle({ kind: "data-plane", event: { kind: "confirmed", localIndex: session } }, clockNow());
  while (node.poll());
  return answered;
}

function clockNow(): Clock {
  return { now: instant(performance.now()), wall: wallNow() };
}

function wallNow(): Clock["wall"] {
  return wallTime(BigInt(Date.now()) * 1_000_000n);
}

if (isMainThread) process.exitCode = await main();
else parentPort?.postMessage(measure(workerData as Job));
