import { concatBytes } from "../../src/core/base/bytes.ts";
import { type Clock, instant, wallTime } from "../../src/core/base/time.ts";
import type { Curve } from "../../src/core/crypto/suite.ts";
import type { Endpoint } from "../../src/core/netip/endpoint.ts";
import { Node } from "../../src/core/node.ts";
import { directPath } from "../../src/core/path/path.ts";
import { encodeHandshakePayload } from "../../src/core/wire/handshake-payload.ts";
import { DATAGRAM_BYTES_MAX, encodeHeader, PacketType } from "../../src/core/wire/header.ts";
import { nodeSuite, osEntropy } from "../../src/runtime/node-crypto.ts";
import { TestAuthority, WORLD_BEGINS } from "../unit/fixtures/authority.ts";
import { identityOf, settingsOf } from "../unit/fixtures/settings.ts";
import { bytesOf, type Form, generator, maximalForms, type Random, signedForms } from "./message1-forms.ts";

/** What a run of changed messages 1 came to. */
export interface Message1Report {
  readonly mutations: number;
  /** Those that were answered: nothing that matters had changed. */
  readonly answered: number;
  /** Of all that were refused, milliseconds of processor time until then: the best of up to ten attempts each. */
  readonly slowestMs: number;
  /** What the slowest one was, and why it was refused. */
  readonly slowestKind: string;
  readonly medianMs: number;
  /** What this machine takes to look at one Ed25519 signature, while all of that went on: the median. */
  readonly signatureMs: number;
}

/** From where on a message is tried again, to tell it from a machine that is busy with something else. */
const DOUBTFUL_MS = 0.5;
const ATTEMPTS = 10;
/** A signature is looked at after so many messages. */
const SIGNATURE_EVERY = 50;

/**
 * Changes messages 1 - genuine ones, and such as were made to be expensive - in random ways and gives them to a host. Throws when the host does.
 * Repeatable by its seed, but for the times.
 */
export function mutateMessages1(count: number, seed: number): Message1Report {
  const random = generator(seed);
  const targets = (["CURVE25519", "P256"] as const).map((curve) => new Target(curve, random));
  const times: number[] = [];
  const lookAtSignature = signatureOf(random);
  const signatureTimes: number[] = [];
  let answered = 0;
  let slowest = { ms: 0, kind: "none" };
  for (let i = 0; i < count; i++) {
    if (i % SIGNATURE_EVERY === 0) signatureTimes.push(processorMs(lookAtSignature));
    const target = targets[i % targets.length]!;
    const { kind, datagram } = target.message(random);
    const first = target.receive(datagram);
    if (first.answered) answered++;
    else times.push(first.ms);
    if (first.answered || first.ms <= Math.max(slowest.ms, DOUBTFUL_MS)) continue;
    let { ms } = first;
    for (let again = 0; again < ATTEMPTS && ms > DOUBTFUL_MS; again++) ms = Math.min(ms, target.receive(datagram).ms);
    if (ms > slowest.ms) slowest = { ms, kind: `${kind}: ${first.refusal}` };
  }
  times.sort((a, b) => a - b);
  const slowestMs = slowest.ms || Math.min(times.at(-1) ?? 0, DOUBTFUL_MS);
  const [medianMs, signatureMs] = [median(times), median(signatureTimes)];
  return { mutations: count, answered, slowestMs, slowestKind: slowest.kind, medianMs, signatureMs };
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;
}

function signatureOf(random: Random): () => void {
  const scheme = nodeSuite.signature("CURVE25519")!;
  const key = scheme.load(new Uint8Array(32).fill(13))!;
  const message = bytesOf(300, random);
  const signature = key.sign(message);
  return () => {
    if (!scheme.verify(key.publicKey, message, signature)) throw new Error("a signature does not hold");
  };
}

/** What a refusal may cost: a millisecond, or what twenty signatures cost where the machine is slower than those that say so. */
export function msAllowed({ signatureMs }: Message1Report): number {
  return Math.max(1, 20 * signatureMs);
}

class Target {
  readonly #node: Node;
  readonly #key: Uint8Array;
  readonly #ephemeral: Uint8Array;
  readonly #forms: readonly Form[];
  #ms = 1_000;

  constructor(curve: Curve, random: Random) {
    const authority = new TestAuthority(nodeSuite, 7, "test ca", curve);
    const agreement = nodeSuite.agreement(curve)!;
    this.#key = agreement.load(new Uint8Array(32).fill(9))!.publicKey;
    this.#ephemeral = agreement.load(new Uint8Array(32).fill(11))!.publicKey;
    this.#forms = [...maximalForms(authority, random), ...signedForms(authority, this.#key)];
    const plan = {
      name: "target",
      networks: ["10.77.0.1/16"],
      versions: [1, 2] as const,
      blocklist: ["ab".repeat(32), `key:${"cd".repeat(32)}`],
    };
    const settings = settingsOf(identityOf(nodeSuite, plan, authority, 1), plan);
    this.#node = new Node(settings, { crypto: nodeSuite, entropy: osEntropy, clock: this.#clock() });
    this.#node.handle({ kind: "data-plane-up", udpPort: 4242, sessions: [] }, this.#clock());
    while (this.#node.poll());
  }

  /** A message 1 of at most 9,001 bytes. */
  message(random: Random): { readonly kind: string; readonly datagram: Uint8Array } {
    const { kind, version, bytes } = this.#forms[random(this.#forms.length)]!;
    const certificate = random(4) === 0 ? bytes : changed(bytes, random);
    const payload = encodeHandshakePayload({
      certificate,
      certificateVersion: random(16) === 0 ? (version === 1 ? 2 : 1) : version,
      initiatorIndex: 1 + random(1 << 30),
      responderIndex: 0,
      time: WORLD_BEGINS * 1_000_000_000n + BigInt(random(1 << 30)),
    });
    const ephemeral = random(3) === 0 ? bytesOf(this.#ephemeral.length, random) : this.#ephemeral;
    const header = encodeHeader({ type: PacketType.handshake, subtype: 0, remoteIndex: 0, counter: 1n });
    const body = concatBytes(ephemeral, this.#key, random(4) === 0 ? changed(payload, random) : payload);
    return { kind, datagram: concatBytes(header, body).slice(0, DATAGRAM_BYTES_MAX) };
  }

  receive(datagram: Uint8Array): { readonly ms: number; readonly answered: boolean; readonly refusal: string } {
    const event = { kind: "datagram", standing: "first", origin: directPath(SOURCE), datagram } as const;
    const clock = this.#clock();
    const ms = processorMs(() => this.#node.handle({ kind: "data-plane", event }, clock));
    let answered = false;
    let refusal = "";
    for (let output = this.#node.poll(); output; output = this.#node.poll()) {
      if (output.to === "data-plane" && output.command.kind === "send-datagram") answered = true;
      if (output.to === "operator" && output.event.code === "handshake-refused") refusal = output.event.refusal.code;
    }
    return { ms, answered, refusal };
  }

  #clock(): Clock {
    this.#ms += 1;
    return { now: instant(this.#ms), wall: wallTime(WORLD_BEGINS * 1_000_000_000n + BigInt(this.#ms) * 1_000_000n) };
  }
}

const SOURCE = "192.0.2.66:4242" as Endpoint;

/**
 * Time that this thread had a processor, at most: what passed, or what the whole process used, whichever is less. The one has pauses in it, the other
 * the threads of the machine below.
 */
function processorMs(act: () => void): number {
  const before = process.cpuUsage();
  const begun = performance.now();
  act();
  const passedMs = performance.now() - begun;
  const { user, system } = process.cpuUsage(before);
  return Math.min(passedMs, (user + system) / 1000);
}

function changed(bytes: Uint8Array, random: Random): Uint8Array {
  let result = Uint8Array.from(bytes);
  for (let steps = 1 + random(3); steps > 0; steps--) result = step(result, random);
  return result;
}

function step(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  const at = random(Math.max(bytes.length, 1));
  const value = random(256);
  switch (random(7)) {
    case 0:
      bytes[at] = value;
      return bytes;
    case 1:
      return bytes.slice(0, at);
    case 2:
      return concatBytes(bytes.subarray(0, at), bytesOf(1 + (value & 7), random), bytes.subarray(at)) as typeof bytes;
    case 3:
      return concatBytes(bytes.subarray(0, at), bytes.subarray(at + 1 + (value & 7))) as typeof bytes;
    case 4:
      // A stretch twice: doubled fields, lists that grow.
      return concatBytes(bytes.subarray(0, at + value), bytes.subarray(at)) as typeof bytes;
    case 5:
      bytes.fill(value, at, at + random(64));
      return bytes;
    default:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (value & 7));
      return bytes;
  }
}
