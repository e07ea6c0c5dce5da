import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CONTRACT_VERSIONS } from "../src/core/dataplane/contract.ts";
import type { IpAddress } from "../src/core/netip/address.ts";
import type { Endpoint } from "../src/core/netip/endpoint.ts";
import {
  type DataPlaneReport,
  type DataPlaneRequest,
  decodeFromDataPlane,
  encodeToDataPlane,
  FrameReader,
} from "../src/runtime/dataplane/contract/codec.ts";
import { findDataPlaneBinary } from "../src/runtime/dataplane/native/native-process.ts";
import { FarEnd, policies, programOf, ruleOf } from "../test/conformance/host.ts";
import { option } from "./pairing.ts";

/**
 * How long packets wait while a control plane is told of all sessions:
 *
 *     node dist/bench/snapshot.js [--sessions N] [--memo BYTES]
 *
 * Test requests, each on a session of its own and from a port that its session does not know, so that each has something to tell the
 * control plane, go through a data plane of its own on the loopback; half-way a control plane says Hello. LACIS_DATAPLANE names another build.
 */
async function main(): Promise<number> {
  const sessions = Number(option("--sessions") ?? "50000");
  const memo = new Uint8Array(Number(option("--memo") ?? "2000"));
  const directory = mkdtempSync(join(tmpdir(), "lacis-snapshot-"));
  const path = join(directory, "socket");
  const child = spawn(findDataPlaneBinary(), ["--socket", path], { stdio: "inherit" });
  try {
    while (!existsSync(path)) await sleep(5);
    const first = await Talk.open(path);
    await first.ask({ kind: "hello", ...CONTRACT_VERSIONS });
    const opened = await first.ask({
      kind: "open-udp",
      bind: "127.0.0.1:0" as Endpoint,
      readBufferBytes: 0,
      writeBufferBytes: 0,
      batch: 64,
      mark: 0,
      queues: 1,
      offloads: true,
    });
    if (opened.kind !== "result" || opened.value?.kind !== "udp-opened") throw new Error(JSON.stringify(opened));
    const port = Number(opened.value.bound.split(":").at(-1));
    await first.ask(policies([programOf(1, [ruleOf()])]));
    const farEnds = Array.from({ length: sessions }, (_, n) => new FarEnd(n + 1, "aes"));
    for (const [n, farEnd] of farEnds.entries()) {
      const command = farEnd.installation({ peerAddresses: [addressOf(n)], memo });
      if (n === sessions - 1) await first.ask(command);
      else first.say(command);
    }
    const requests = farEnds.slice(0, 2_000).map((farEnd) => farEnd.seal(4, 0, new Uint8Array(32)));
    const before = await roundTrips(port, requests.slice(0, 1_000), async () => {});
    const second = await Talk.open(path);
    let ms = 0;
    const during = await roundTrips(port, requests.slice(1_000), async () => {
      const start = performance.now();
      await second.ask({ kind: "hello", ...CONTRACT_VERSIONS });
      ms = performance.now() - start;
    });
    const told = (values: readonly number[]) => `worst ${Math.max(...values).toFixed(1)} ms of ${values.length}`;
    console.log(
      `${sessions} sessions with memos of ${memo.length} bytes: told in ${ms.toFixed(0)} ms; round trips before: ${told(before)}; meanwhile: ${told(during)}`,
    );
    return 0;
  } finally {
    child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Sends one request each millisecond; after a quarter of them something happens beside. */
async function roundTrips(
  port: number,
  requests: readonly Uint8Array[],
  beside: () => Promise<void>,
): Promise<number[]> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const sentAt = new Map<number, number>();
  const taken: number[] = [];
  socket.on("message", (answer) => {
    // The index that the answer goes to says which request it answers.
    const at = sentAt.get(answer.readUInt32BE(4));
    if (at !== undefined) taken.push(performance.now() - at);
  });
  let going: Promise<void> | undefined;
  for (const [n, request] of requests.entries()) {
    if (n === requests.length / 4) going = beside();
    sentAt.set(Buffer.from(request).readUInt32BE(4) + 1000, performance.now());
    socket.send(request, port, "127.0.0.1");
    await sleep(1);
  }
  await going;
  await sleep(500);
  socket.close();
  return taken;
}

/** One conversation; what it is told of sessions is not looked at, so that this process has time to measure. */
class Talk {
  readonly #socket: Socket;
  #id = 0n;

  static async open(path: string): Promise<Talk> {
    const socket = createConnection(path);
    await once(socket, "connect");
    return new Talk(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  say(request: DataPlaneRequest): void {
    const frames = encodeToDataPlane(++this.#id, request);
    if (!frames.ok) throw new Error(frames.reason);
    for (const frame of frames.value) this.#socket.write(frame);
  }

  async ask(request: DataPlaneRequest): Promise<DataPlaneReport> {
    this.say(request);
    const id = this.#id;
    const frames = new FrameReader();
    return new Promise((resolve, reject) => {
      const read = (chunk: Buffer): void => {
        const messages = frames.push(new Uint8Array(chunk));
        for (const message of messages.ok ? messages.value : []) {
          const report = decodeFromDataPlane(message);
          if (!report.ok || !report.value) continue;
          const { value } = report;
          const isAnswer = value.kind === "ready" ? !value.more : value.kind === "result" && value.requestId === id;
          if (!isAnswer) continue;
          this.#socket.off("data", read);
          if (value.kind === "result" && value.code !== "") reject(new Error(value.error));
          resolve(value);
        }
      };
      this.#socket.on("data", read);
    });
  }
}

function addressOf(n: number): IpAddress {
  return `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}` as IpAddress;
}

process.exitCode = await main();
