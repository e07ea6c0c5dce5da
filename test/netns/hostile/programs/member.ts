import { randomInt } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { concatBytes, writeUint16 } from "../../../../src/core/base/bytes.ts";
import { nonceOf } from "../../../../src/core/crypto/nonce.ts";
import type { Aead, Cipher } from "../../../../src/core/crypto/suite.ts";
import type { LocalIndex, RemoteIndex } from "../../../../src/core/dataplane/contract.ts";
import { type HandshakeContext, Initiation } from "../../../../src/core/handshake/initiation.ts";
import { decodeHeader, encodeHeader, HEADER_BYTES, type PacketType } from "../../../../src/core/wire/header.ts";
import { readClock } from "../../../../src/runtime/clock.ts";
import { loadSettings } from "../../../../src/runtime/config/config-file.ts";
import { nodeSuite, osEntropy } from "../../../../src/runtime/node-crypto.ts";

/** Where a host listens. */
export interface Target {
  readonly address: string;
  readonly port: number;
}

/** A host with a genuine certificate that keeps no rule of conduct: it makes sessions and seals into them whatever it likes. */
export class Member {
  readonly #context: HandshakeContext;

  /** The one of a configuration file. */
  constructor(config: string) {
    const loaded = loadSettings(config, { suite: nodeSuite, wall: readClock().wall });
    if (!loaded.ok) throw new Error(`${config} is of no use`);
    const { live, boot } = loaded.value.settings;
    this.#context = { crypto: nodeSuite, entropy: osEntropy, identity: live.identity, cipher: boot.cipher };
  }

  /** A handshake with a host, from a socket of ours; tries for ten seconds. */
  async join(socket: Socket, target: Target): Promise<Tunnel> {
    const localIndex = randomInt(1, 0xffff_ffff) as LocalIndex;
    const begun = Initiation.begin(this.#context, { version: 2, localIndex, time: readClock().wall });
    if (!begun) throw new Error("no certificate of version 2");
    return new Promise((resolve, reject) => {
      const call = (): void => socket.send(begun.message1, target.port, target.address);
      const again = setInterval(call, 500);
      const patience = setTimeout(() => end(() => reject(new Error("nobody answered"))), 10_000);
      const read = (datagram: Buffer): void => {
        const header = decodeHeader(datagram);
        if (!header.ok || header.value.type !== 0 || header.value.remoteIndex !== localIndex) return;
        const answer = begun.readMessage2(new Uint8Array(datagram), this.#context.identity, readClock().wall);
        if (answer.kind !== "answered") return;
        const { cipher } = this.#context;
        const [seal, open] = [answer.keys.initiatorToResponder, answer.keys.responderToInitiator].map((key) =>
          nodeSuite.aead(cipher, key),
        ) as [Aead, Aead];
        end(() => resolve(new Tunnel(cipher, { seal, open }, { local: localIndex, remote: answer.remoteIndex })));
      };
      const end = (then: () => void): void => {
        clearInterval(again);
        clearTimeout(patience);
        socket.off("message", read);
        then();
      };
      socket.on("message", read);
      call();
    });
  }

  /** A message 1 of ours, for whoever only wants to be asked. */
  message1(): Uint8Array {
    const localIndex = randomInt(1, 0xffff_ffff) as LocalIndex;
    const begun = Initiation.begin(this.#context, { version: 2, localIndex, time: readClock().wall });
    if (!begun) throw new Error("no certificate of version 2");
    return begun.message1;
  }
}

/** One session, which counts what it sends and not what comes. */
export class Tunnel {
  readonly #cipher: Cipher;
  readonly #keys: { readonly seal: Aead; readonly open: Aead };
  readonly #indexes: { readonly local: LocalIndex; readonly remote: RemoteIndex };
  #counter = 2n;

  constructor(
    cipher: Cipher,
    keys: { readonly seal: Aead; readonly open: Aead },
    indexes: { readonly local: LocalIndex; readonly remote: RemoteIndex },
  ) {
    this.#cipher = cipher;
    this.#keys = keys;
    this.#indexes = indexes;
  }

  /** What came in this session; undefined for any other datagram. */
  open(
    datagram: Uint8Array,
  ): { readonly type: number; readonly subtype: number; readonly body: Uint8Array } | undefined {
    const header = decodeHeader(datagram);
    if (!header.ok || header.value.remoteIndex !== this.#indexes.local) return undefined;
    const { type, subtype, counter } = header.value;
    const sealed = datagram.subarray(HEADER_BYTES);
    const body = this.#keys.open.open(nonceOf(this.#cipher, counter), datagram.subarray(0, HEADER_BYTES), sealed);
    return body && { type, subtype, body };
  }

  seal(type: PacketType, subtype: number, body: Uint8Array): Uint8Array {
    const header = encodeHeader({ type, subtype, remoteIndex: this.#indexes.remote, counter: ++this.#counter });
    return concatBytes(header, this.#keys.seal.seal(nonceOf(this.#cipher, this.#counter), header, body));
  }
}

/** A socket with a port of its own that looks up nothing and fails at nothing. */
export async function openSocket(): Promise<Socket> {
  const socket = createSocket({ type: "udp4", lookup: (name, _options, done) => done(null, name, 4) });
  socket.on("error", () => {});
  await new Promise<void>((resolve) => socket.bind(0, resolve));
  return socket;
}

/** One IPv4 packet or part of one, with its checksum. */
export function ipv4(fields: {
  readonly from: string;
  readonly to: string;
  readonly protocol: number;
  readonly id?: number;
  readonly flagsAndOffset?: number;
  readonly payload: Uint8Array;
}): Uint8Array {
  const packet = new Uint8Array(20 + fields.payload.length);
  packet[0] = 0x45;
  writeUint16(packet, 2, packet.length);
  writeUint16(packet, 4, fields.id ?? 0);
  writeUint16(packet, 6, fields.flagsAndOffset ?? 0x4000);
  packet[8] = 64;
  packet[9] = fields.protocol;
  packet.set(fields.from.split(".").map(Number), 12);
  packet.set(fields.to.split(".").map(Number), 16);
  writeUint16(packet, 10, checksum(packet.subarray(0, 20)));
  packet.set(fields.payload, 20);
  return packet;
}

/** RFC 1071. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** Calls `send` so often, by the clock and not by the number of ticks: a late timer must not lower the rate. */
export function steadily(perSecond: number, send: () => void): () => number {
  const startedAt = performance.now();
  let [sent, missed] = [0, 0];
  setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1000);
    // What a stop of this program missed stays missed.
    missed = Math.max(missed, due - sent - perSecond / 4);
    for (; sent + missed < due; sent++) send();
  }, 2);
  return () => sent;
}

/** Ends on SIGTERM with one line of JSON. */
export function reportAtEnd(report: () => object): void {
  process.on("SIGTERM", () => {
    process.stdout.write(`${JSON.stringify(report())}\n`, () => process.exit(0));
  });
  process.stdout.write("sending\n");
}
