import { randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Certificate } from "../../../src/core/cert/certificate.ts";
import { parseCertificates } from "../../../src/core/cert/decode.ts";
import { toHandshakeForm } from "../../../src/core/cert/handshake-form.ts";
import { encodeHandshakePayload } from "../../../src/core/wire/handshake-payload.ts";
import { nodeSuite } from "../../../src/runtime/node-crypto.ts";
import type { MeshHost } from "../lab/mesh.ts";
import type { Machine } from "../lab/network.ts";
import { program, serve, stream } from "../lab/program.ts";
import { withTrio } from "../lab/trio.ts";
import { waitFor } from "../lab/wait.ts";
import { statusOf } from "../status-of.ts";

const LOG_GROWTH_LIMIT_BYTES = 64 << 10;

describe("a stranger sends datagrams to a running daemon", () => {
  const KINDS: Readonly<Record<string, () => Uint8Array[]>> = {
    truncated: () => each(400, (n) => header(n % 9, n % 3).subarray(0, n % 17)),
    "of every type and subtype, with an index that nobody has": () => each(4096, (n) => header(n >> 8, n & 255, 64)),
    oversized: () => each(200, (n) => header(n % 2, 0, 9_002 + n * 200)),
    "that look like handshakes": () => each(2_000, (n) => handshake(17 + (n % 1_200))),
    random: () => each(5_000, (n) => randomBytes(n % 1_400)),
    "that look like recv_error": () => each(2_000, () => header(2, 0)),
  };
  for (const [kind, make] of Object.entries(KINDS)) {
    test(`${kind}: no answer is larger than the question, nothing is remembered, the log stays short, traffic goes on`, async () => {
      await withTrio("stranger", async ({ mesh, server, laptop }) => {
        await serve(server.machine, "tcp-echo", 7000);
        await expectTraffic(laptop, server);
        const stranger = await mesh.network.machine("stranger", ["192.0.2.66/24"]);
        const before = { log: statSync(server.daemon.logPath).size, peers: await peersOf(server) };
        const datagrams = make();
        const thrown = await throwAt(stranger, "192.0.2.2", datagrams);
        const largest = Math.max(0, ...thrown.answers);
        expect(largest, "an answer").toBeLessThanOrEqual(16);
        expect(thrown.answers.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(thrown.sentBytes);
        expect(statSync(server.daemon.logPath).size - before.log, server.daemon.log()).toBeLessThan(
          LOG_GROWTH_LIMIT_BYTES,
        );
        expect(await peersOf(server)).toEqual(before.peers);
        expect(server.daemon.running).toBe(true);
        await expectTraffic(laptop, server);
      });
    });
  }

  for (const filledTo of [0, 700])
    test(`messages 1 with a copied certificate, of ${filledTo} bytes at least: what they draw is no more than they are, and traffic goes on`, async () => {
      await withTrio("forger", async ({ mesh, server, laptop }) => {
        await serve(server.machine, "tcp-echo", 7000);
        await expectTraffic(laptop, server);
        const stranger = await mesh.network.machine("stranger", ["192.0.2.66/24"]);
        const certificate = certificateOf(laptop);
        const forged = each(30, () => forgedMessage1(certificate, filledTo));
        const { sentBytes, answers } = await throwAt(stranger, "192.0.2.2", forged);
        // They are answered: half as many as come when each pays for half of its answer.
        expect(answers.filter((bytes) => bytes > 100).length).toBeGreaterThanOrEqual(filledTo === 0 ? 10 : 25);
        expect(answers.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(sentBytes);
        await expectTraffic(laptop, server);
      });
    });

  test("a flood of twenty thousand datagrams leaves memory and descriptors as they were", async () => {
    await withTrio("flood", async ({ mesh, server, laptop }) => {
      await serve(server.machine, "tcp-echo", 7000);
      await expectTraffic(laptop, server);
      const stranger = await mesh.network.machine("stranger", ["192.0.2.66/24"]);
      const mixed = (n: number): Uint8Array => (n % 2 === 0 ? handshake(200) : randomBytes(300));
      await throwAt(stranger, "192.0.2.2", each(5_000, mixed));
      const before = await daemonFacts(server);
      await throwAt(stranger, "192.0.2.2", each(20_000, mixed));
      const after = await daemonFacts(server);
      expect(after.descriptors).toBe(before.descriptors);
      expect(after.residentBytes - before.residentBytes).toBeLessThan(30e6);
      await expectTraffic(laptop, server);
    });
  });
});

describe("somebody on the way keeps what passes", () => {
  const RELAY_PORT = 4242;
  const through = (overlay: string): object => ({
    lighthouse: "none",
    staticHosts: { [overlay]: `192.0.2.66:${RELAY_PORT}` },
  });

  for (const [trick, signal] of [
    ["replays it to where it went", "SIGUSR1"],
    ["reflects it to where it came from", "SIGUSR2"],
  ] as const) {
    test(`scenario 34: and ${trick}: nothing is delivered twice, and the tunnel stands`, async () => {
      await withTrio(
        signal.toLowerCase(),
        async ({ mesh, server, laptop }) => {
          const onTheWay = await mesh.network.machine("relay", ["192.0.2.66/24"]);
          const relay = await serve(onTheWay, "udp-relay", RELAY_PORT, "192.0.2.2", "192.0.2.3", 4242);
          const counted = join(server.machine.directory, "count");
          const echo = await serve(server.machine, "udp-echo", 7000, counted);
          const to = { address: server.overlay4, port: 7000, perSecond: 100 };
          expect((await stream(laptop.machine, { ...to, seconds: 2 })).lost).toEqual([]);
          for (let round = 0; round < 5; round++) relay.signal(signal);
          expect((await stream(laptop.machine, { ...to, seconds: 2 })).lost).toEqual([]);
          echo.signal("SIGUSR2");
          const text = await waitFor("the count", () => readIfThere(counted), { withinMs: 2_000 });
          expect(JSON.parse(text)).toEqual({ received: 400, different: 200 });
        },
        { server: through("10.77.0.3"), laptop: through("10.77.0.2") },
      );
    });
  }
});

async function expectTraffic(from: MeshHost, to: MeshHost): Promise<void> {
  const moved = await from.machine.run(...program("tcp-transfer", to.overlay4, 7000, 10_000));
  expect(moved.status, to.daemon.log().slice(-3_000)).toBe(0);
}

async function throwAt(
  from: Machine,
  address: string,
  datagrams: readonly Uint8Array[],
): Promise<{ sentBytes: number; answers: number[] }> {
  const lines = datagrams.map((datagram) => `${Buffer.from(datagram).toString("hex")}\n`).join("");
  return JSON.parse(await from.must(...program("udp-throw", address, 4242), { input: lines, timeoutMs: 60_000 }));
}

/** The names of the hosts that a host has a tunnel with. */
async function peersOf(host: MeshHost): Promise<readonly string[]> {
  return (await statusOf(host)).peers.map((peer) => peer.name ?? "").sort();
}

async function daemonFacts(host: MeshHost): Promise<{ descriptors: number; residentBytes: number }> {
  const all = await host.inspect();
  return {
    descriptors: all.reduce((sum, one) => sum + one.descriptors.length, 0),
    residentBytes: all.reduce((sum, one) => sum + one.residentBytes, 0),
  };
}

/** A header with an index that nobody has, followed by random bytes up to a length. */
function header(type: number, subtype: number, length = 16): Uint8Array {
  const datagram = randomBytes(Math.max(16, length));
  datagram[0] = 0x10 | (type & 15);
  datagram[1] = subtype;
  datagram.writeUInt16BE(0, 2);
  return datagram;
}

/** What looks like the first message of a handshake from outside: type 0, index 0, counter 1. */
function handshake(length: number): Uint8Array {
  const datagram = header(0, 0, length);
  datagram.fill(0, 4, 15);
  datagram[15] = 1;
  return datagram.subarray(0, length);
}

/** Anybody who has seen the certificate can send this; nobody without its key can go on from there. */
function forgedMessage1(certificate: Certificate, filledTo: number): Uint8Array {
  const { version, publicKey } = certificate;
  const said = { certificate: toHandshakeForm(certificate), certificateVersion: version, responderIndex: 0 } as const;
  const time = BigInt(Date.now()) * 1_000_000n;
  const initiatorIndex = 1 + (randomBytes(4).readUInt32BE() >>> 1);
  const payload = encodeHandshakePayload({ ...said, initiatorIndex, time }, filledTo - 80);
  return Buffer.concat([handshake(16), randomBytes(32), publicKey, payload]);
}

function certificateOf({ config }: MeshHost): Certificate {
  const read = parseCertificates(readFileSync(join(config.directory, "host.crt"), "utf8"), nodeSuite);
  const [certificate] = read.ok ? read.value : [];
  if (!certificate) throw new Error("a host has a certificate");
  return certificate;
}

function each(count: number, make: (n: number) => Uint8Array): Uint8Array[] {
  return Array.from({ length: count }, (_, n) => make(n));
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
