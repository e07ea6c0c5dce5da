import { spawn } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { toHex } from "../src/core/base/bytes.ts";
import type { Identity } from "../src/core/cert/identity.ts";
import { nonceOf } from "../src/core/crypto/nonce.ts";
import type { Aead } from "../src/core/crypto/suite.ts";
import type { LocalIndex } from "../src/core/dataplane/contract.ts";
import { HandshakeTime } from "../src/core/handshake/handshake-time.ts";
import { Initiation } from "../src/core/handshake/initiation.ts";
import { type IpAddress, parseAddress } from "../src/core/netip/address.ts";
import type { Endpoint } from "../src/core/netip/endpoint.ts";
import { decodeHeader, encodeHeader, HEADER_BYTES, PacketType, TestSubtype } from "../src/core/wire/header.ts";
import {
  decodeLighthouseMessage,
  encodeLighthouseMessage,
  type LighthouseMessage,
} from "../src/core/wire/lighthouse.ts";
import { readClock } from "../src/runtime/clock.ts";
import { daemonSuite } from "../src/runtime/crypto/daemon-suite.ts";
import { osEntropy } from "../src/runtime/node-crypto.ts";
import { LAB_TOOL } from "../test/netns/lab/implementation.ts";
import type { TestAuthority } from "../test/unit/fixtures/authority.ts";
import { identityOf } from "../test/unit/fixtures/settings.ts";
import { ownCpuUs } from "./own-cpu.ts";

/** Loopback addresses that hosts share, as behind the routers of offices: the lighthouse limits handshakes by address and by network. */
const PLACES = 256;
/** A handshake without an answer is repeated after so long. */
const REPEAT_MS = 500;
/** Below what a host takes of handshakes from networks that it knows. */
const CONNECTIONS_PER_SECOND = 300;
/** More than any host's messages of one load. */
const COUNTERS_USED_MAX = 1_000_000n;
const DIALECT = 1;
/** What a daemon computes with. */
const suite = daemonSuite();

export interface FleetPlan {
  readonly hosts: number;
  readonly lighthousePort: number;
  readonly authority: TestAuthority;
  readonly notAfter: bigint;
  /** The first two bytes of everybody's overlay address. */
  readonly network?: string;
  /** Who vouches for the lighthouse, if somebody else does. */
  readonly trusts?: Pick<TestAuthority, "certificate">;
}

/** What askers said and heard; times in microseconds, from when a question was due to when its answer had been read. */
export interface Asked {
  readonly asked: number;
  readonly count: number;
  readonly tests: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

/** Hosts as a lighthouse sees them: real handshakes, sealed reports and queries, answered test requests; no tunnels among themselves. */
export class Fleet {
  readonly #plan: FleetPlan;
  readonly #hosts: readonly LoadHost[];
  #sockets: readonly Socket[];
  readonly #time = new HandshakeTime();
  readonly #trust: Identity;
  readonly heard = { replies: 0, tests: 0 };
  /** What everybody's message 1 took. */
  #beginningUs = 0;
  /** What a host says first on a new session. */
  #begin: (host: LoadHost) => void = () => {};

  static async open(plan: FleetPlan): Promise<Fleet> {
    return new Fleet(plan, await Promise.all(Array.from({ length: PLACES }, (_, i) => openAt(placeOf(i), 0))));
  }

  private constructor(plan: FleetPlan, sockets: readonly Socket[]) {
    this.#plan = plan;
    this.#sockets = sockets;
    const { authority, notAfter } = plan;
    this.#hosts = Array.from({ length: plan.hosts }, (_, i) => new LoadHost(i, plan.network ?? "10.1"));
    this.#trust = identityOf(
      suite,
      { name: "trust", networks: ["10.0.0.2/8"], notAfter, ...(plan.trusts && { trusts: plan.trusts }) },
      authority,
      2,
      readClock().wall,
    );
    this.#listen();
  }

  #listen(): void {
    for (const socket of this.#sockets) socket.on("message", (datagram) => this.#received(datagram));
  }

  get size(): number {
    return this.#hosts.length;
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  /** Everybody's keys, certificate and message 1, made before anything is measured. */
  prepare(): void {
    for (const host of this.#hosts) this.#prepare(host);
  }

  /**
   * Everybody shakes hands and reports, as fast as it goes with so many under way at once. Ends when the lighthouse has acknowledged all
   * reports. Returns what that took those who called: keys and certificates aside, all of both messages and of the report.
   */
  async registerAtOnce(underWay: number): Promise<{ readonly cpuMsEach: number }> {
    const before = ownCpuUs();
    await this.#everybody(Number.POSITIVE_INFINITY, underWay, (host) => this.#report(host));
    return { cpuMsEach: (this.#beginningUs + ownCpuUs() - before) / 1000 / this.size };
  }

  /** Everybody shakes hands and proves it by a test request, as fast as any host takes it. Ends when all of these have been answered. */
  connect(): Promise<void> {
    return this.#everybody(CONNECTIONS_PER_SECOND, Number.POSITIVE_INFINITY, (host) =>
      this.#seal(host, PacketType.test, TestSubtype.request, new Uint8Array(0)),
    );
  }

  async #everybody(perSecond: number, underWay: number, begin: (host: LoadHost) => void): Promise<void> {
    this.#begin = begin;
    const waiting = new Set<LoadHost>();
    let next = 0;
    const step = (elapsedMs: number): boolean => {
      const now = performance.now();
      for (const host of waiting) {
        if (host.registered) waiting.delete(host);
        else if (now - host.triedAt > REPEAT_MS) this.#try(host, now);
      }
      for (; next < Math.min(this.size, (elapsedMs / 1000) * perSecond) && waiting.size < underWay; next++) {
        const host = this.#hosts[next]!;
        if (!host.call) this.#prepare(host);
        waiting.add(host);
        this.#try(host, now);
      }
      return waiting.size === 0 && next === this.size;
    };
    await every(perSecond === Number.POSITIVE_INFINITY ? 1 : 10, step);
  }

  #prepare(host: LoadHost): void {
    const { authority, notAfter } = this.#plan;
    const name = `host-${host.localIndex - 1}`;
    const key = suite.agreement("CURVE25519")!.load(osEntropy.bytes(32))!;
    const hostPlan = { name, networks: [`${host.address}/8`], groups: ["servers"], notAfter };
    const certificate = authority.issue(1, { ...hostPlan, publicKey: key.publicKey });
    const credential = { ...this.#trust.credential, name, key, certificates: { 1: certificate } };
    const context = {
      crypto: suite,
      entropy: osEntropy,
      cipher: "aes" as const,
      identity: { ...this.#trust, credential },
    };
    const options = { version: 1, localIndex: host.localIndex, time: this.#time.next(readClock().wall) } as const;
    const before = ownCpuUs();
    host.call = Initiation.begin(context, options);
    this.#beginningUs += ownCpuUs() - before;
  }

  /**
   * Queries and reports at a steady rate, whatever the answers. A program does it that costs the askers' core less than this one, and never stands
   * still to collect garbage: what it sees of lateness is the lighthouse's. Meanwhile the sockets are its own.
   */
  async load(plan: {
    readonly seconds: number;
    readonly queriesPerSecond: number;
    readonly reportEverySeconds: number;
  }): Promise<Asked> {
    const { seconds, queriesPerSecond, reportEverySeconds } = plan;
    const reportsPerSecond = Math.round(this.size / reportEverySeconds);
    const lines = this.#hosts.filter(({ keys }) => keys).map((host) => this.#line(host));
    const ports = this.#sockets.map((socket) => socket.address().port);
    this.close();
    this.#sockets = [];
    const words = [this.#plan.lighthousePort, queriesPerSecond, reportsPerSecond, seconds].map(String);
    const asked = await runAskers(words, `${lines.join("\n")}\n`);
    for (const host of this.#hosts) host.counter += COUNTERS_USED_MAX;
    this.#sockets = await Promise.all(ports.map((port, i) => openAt(placeOf(i), port)));
    this.#listen();
    this.heard.tests += asked.tests;
    return asked;
  }

  #line(host: LoadHost): string {
    const { address: ip, port } = this.#sockets[host.place]!.address();
    const { send, receive } = host.keys!.raw;
    const query = encodeLighthouseMessage({ kind: "host-query", target: host.address }, DIALECT)!;
    const bodies = [encodeLighthouseMessage(reportOf(host), DIALECT)!, query];
    const words = [`${ip}:${port}`, host.localIndex, host.remoteIndex, host.counter];
    return [...words, ...[send, receive, ...bodies].map(toHex)].join(" ");
  }

  /** Every host is asked for once, slowly; returns how many the lighthouse knows. */
  async known(perSecond: number): Promise<number> {
    await this.#settled();
    const before = this.heard.replies;
    let next = 0;
    await every(10, (elapsedMs) => {
      for (; next < Math.min(this.size, (elapsedMs / 1000) * perSecond); next++) {
        const target = this.#hosts[next]!.address;
        this.#say(this.#hosts[(next + 1) % this.size]!, { kind: "host-query", target });
      }
      return elapsedMs > (this.size / perSecond) * 1000 + 1_000;
    });
    return this.heard.replies - before;
  }

  /** Until what was asked before is answered, or nothing has been for a second. */
  async #settled(): Promise<void> {
    let [seen, seenAt] = [this.heard.replies, 0];
    await every(10, (elapsedMs) => {
      if (this.heard.replies !== seen) [seen, seenAt] = [this.heard.replies, elapsedMs];
      return elapsedMs - seenAt > 1_000;
    });
  }

  #report(host: LoadHost): void {
    this.#say(host, reportOf(host));
  }

  #try(host: LoadHost, now: number): void {
    host.triedAt = now;
    if (host.keys) this.#begin(host);
    else if (host.call) this.#send(host, host.call.message1);
  }

  #say(host: LoadHost, message: LighthouseMessage): void {
    const body = encodeLighthouseMessage(message, DIALECT);
    if (body) this.#seal(host, PacketType.lighthouse, 0, body);
  }

  #seal(host: LoadHost, type: PacketType, subtype: number, body: Uint8Array): void {
    if (!host.keys) return;
    const counter = ++host.counter;
    const header = encodeHeader({ type, subtype, remoteIndex: host.remoteIndex, counter });
    this.#send(host, Buffer.concat([header, host.keys.send.seal(nonceOf("aes", counter), header, body)]));
  }

  #send({ place }: LoadHost, datagram: Uint8Array): void {
    this.#sockets[place]!.send(datagram, this.#plan.lighthousePort, "127.0.0.1");
  }

  #received(datagram: Uint8Array): void {
    const header = decodeHeader(datagram);
    if (!header.ok) return;
    const { type, subtype, remoteIndex, counter } = header.value;
    const host = this.#hosts[remoteIndex - 1];
    if (!host) return;
    if (type === PacketType.handshake) this.#answered(host, datagram);
    else if (host.keys) {
      const sealed = datagram.subarray(HEADER_BYTES);
      const body = host.keys.receive.open(nonceOf("aes", counter), datagram.subarray(0, HEADER_BYTES), sealed);
      // Of a session that the lighthouse has made anew, for one.
      if (!body) return;
      if (type === PacketType.lighthouse) this.#hear(host, body);
      else if (type === PacketType.test && subtype === TestSubtype.request) {
        this.heard.tests++;
        this.#seal(host, type, TestSubtype.reply, body);
      } else if (type === PacketType.test && subtype === TestSubtype.reply) host.registered = true;
    }
  }

  #hear(host: LoadHost, body: Uint8Array): void {
    const decoded = decodeLighthouseMessage(body);
    if (!decoded.ok) throw new Error(decoded.reason);
    const { kind } = decoded.value.message;
    if (kind === "host-update-ack") host.registered = true;
    else if (kind === "host-query-reply") this.heard.replies++;
  }

  #answered(host: LoadHost, datagram: Uint8Array): void {
    const outcome = host.call?.readMessage2(datagram, this.#trust, readClock().wall);
    if (outcome?.kind !== "answered") return;
    host.call = undefined;
    host.remoteIndex = outcome.remoteIndex;
    const { initiatorToResponder: send, responderToInitiator: receive } = outcome.keys;
    host.keys = {
      raw: { send, receive },
      send: suite.aead("aes", send),
      receive: suite.aead("aes", receive),
    };
    this.#begin(host);
  }
}

class LoadHost {
  readonly localIndex: LocalIndex;
  readonly address: IpAddress;
  /** Where it says that it is, on its own network. */
  readonly told: Endpoint;
  /** Of its socket among those of the fleet. */
  readonly place: number;
  call: Initiation | undefined;
  keys:
    | { readonly raw: Record<"send" | "receive", Uint8Array>; readonly send: Aead; readonly receive: Aead }
    | undefined;
  remoteIndex = 0;
  counter = 2n;
  triedAt = Number.NEGATIVE_INFINITY;
  registered = false;

  constructor(i: number, network: string) {
    this.localIndex = (i + 1) as LocalIndex;
    this.address = parseAddress(`${network}.${i >> 8}.${i & 255}`)!;
    this.told = `192.168.${i >> 8}.${i & 255 || 1}:4242` as Endpoint;
    this.place = i % PLACES;
  }
}

function reportOf({ address, told }: LoadHost): LighthouseMessage {
  return { kind: "host-update", address, endpoints: [told], relays: [] };
}

function placeOf(i: number): string {
  return `127.0.${1 + (i >> 5)}.${1 + (i & 31)}`;
}

async function openAt(place: string, port: number): Promise<Socket> {
  const socket = createSocket({ type: "udp4", recvBufferSize: 4 << 20 });
  socket.bind(port, place);
  await once(socket, "listening");
  return socket;
}

async function runAskers(words: readonly string[], hosts: string): Promise<Asked> {
  const askers = spawn(LAB_TOOL, ["askers", ...words], { stdio: ["pipe", "pipe", "inherit"] });
  const told = text(askers.stdout);
  // Whoever ends before it has read everything says why itself.
  askers.stdin.on("error", () => {}).end(hosts);
  const [status] = await once(askers, "exit");
  if (status !== 0)
    throw new Error(`the askers ended with status ${status}: is ${LAB_TOOL} of this tree? npm run build:native`);
  return JSON.parse(await told);
}

/** Calls a step with the time since the beginning until it says that it is done. */
function every(ms: number, step: (elapsedMs: number) => boolean): Promise<void> {
  const begin = performance.now();
  return new Promise((resolve, reject) => {
    const timer = setInterval(() => {
      try {
        if (!step(performance.now() - begin)) return;
        clearInterval(timer);
        resolve();
      } catch (error) {
        clearInterval(timer);
        reject(error);
      }
    }, ms);
  });
}
