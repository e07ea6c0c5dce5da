import { createDecipheriv } from "node:crypto";
import { readUint32 } from "../../../src/core/base/bytes.ts";
import type { Entropy } from "../../../src/core/base/entropy.ts";
import { type Clock, type Instant, instant } from "../../../src/core/base/time.ts";
import type { LiveSettings, Settings } from "../../../src/core/config/settings.ts";
import { nonceOf } from "../../../src/core/crypto/nonce.ts";
import type { Aead, CryptoSuite } from "../../../src/core/crypto/suite.ts";
import type { DataPlaneCommand, DropSample, SessionSnapshot } from "../../../src/core/dataplane/contract.ts";
import type { DropReason } from "../../../src/core/drop-reason.ts";
import type { Deadline, Input, Output } from "../../../src/core/io.ts";
import type { Endpoint } from "../../../src/core/netip/endpoint.ts";
import { decodeHeader, HEADER_BYTES, TAG_BYTES } from "../../../src/core/wire/header.ts";
import { nodeSuite } from "../../../src/runtime/node-crypto.ts";
import { realParts } from "../cast/parts.ts";
import type { ControlPlane, DataPlane, DataPlaneOutput, Parts } from "../world/host.ts";

// Hosts that are wrong on purpose, each in one thing, to prove that the referee would notice.

/** Delivers what the data plane dropped for this reason. */
export function delivering(dropped: DropReason): Parts {
  return { ...realParts, dataPlane: (suite) => new ForgivingDataPlane(suite, dropped, () => true) };
}

/** The same, but only for flows of which it has delivered something already. */
export function deliveringKnownFlows(dropped: DropReason): Parts {
  return {
    ...realParts,
    dataPlane: (suite) => new ForgivingDataPlane(suite, dropped, (packet, known) => known.has(flowOf(packet))),
  };
}

/** The data plane takes each command for what `change` makes of it. */
export function obeying(change: (command: DataPlaneCommand) => DataPlaneCommand): Parts {
  return {
    ...realParts,
    dataPlane: (suite) => new MistakenDataPlane(realParts.dataPlane(suite), change, () => undefined),
  };
}

/** The same, with a memory of its own for each data plane. */
export function obeyingInTurn(begin: () => (command: DataPlaneCommand) => DataPlaneCommand): Parts {
  return {
    ...realParts,
    dataPlane: (suite) => new MistakenDataPlane(realParts.dataPlane(suite), begin(), () => undefined),
  };
}

/** The data plane gives itself the command that `react` makes of a drop. */
export function reacting(react: Reaction): Parts {
  return {
    ...realParts,
    dataPlane: (suite) => new MistakenDataPlane(realParts.dataPlane(suite), (same) => same, react),
  };
}

/** Gives commands that the node did not mean: each command becomes what `change` makes of it. */
export function commanding(change: (command: DataPlaneCommand) => readonly DataPlaneCommand[]): Parts {
  return altering((output) =>
    output.to === "data-plane" ? change(output.command).map((command) => ({ to: "data-plane", command })) : [output],
  );
}

/** Each output of the node becomes what `change` makes of it. */
export function altering(change: (output: Output) => readonly Output[]): Parts {
  return { ...realParts, control: (...args) => new AlteredControl(realParts.control(...args), change, () => true) };
}

/** The node never learns of inputs that `hears` refuses. */
export function deafTo(hears: (input: Input) => boolean, parts: Parts = realParts): Parts {
  return {
    ...parts,
    control: (...args) => new AlteredControl(parts.control(...args), (output) => [output], hears),
  };
}

/** The node's live settings become what `change` makes of them. */
export function settled(change: (live: LiveSettings) => LiveSettings): Parts {
  return {
    ...realParts,
    control: (settings: Settings, entropy: Entropy, clock: Clock) =>
      realParts.control({ ...settings, live: change(settings.live) }, entropy, clock),
  };
}

/** Decrypts in data planes without looking at the tag. */
export const tagBlind: Parts = { ...realParts, dataPlane: () => realParts.dataPlane(tagBlindSuite) };

const tagBlindSuite: CryptoSuite = {
  ...nodeSuite,
  aead(cipher, key): Aead {
    const honest = nodeSuite.aead(cipher, key);
    const kept = key.slice();
    const name = cipher === "aes" ? "aes-256-gcm" : "chacha20-poly1305";
    return {
      seal: (nonce, associatedData, plaintext) => honest.seal(nonce, associatedData, plaintext),
      sealBehind: (nonce, header, plaintext) => honest.sealBehind(nonce, header, plaintext),
      open(nonce, _, ciphertext) {
        const decipher = createDecipheriv(name as "aes-256-gcm", kept, nonce, { authTagLength: TAG_BYTES });
        return new Uint8Array(decipher.update(ciphertext.subarray(0, -TAG_BYTES)));
      },
    };
  },
};

/** What a data plane does to itself when it drops something that came from `source`. */
type Reaction = (drop: DropSample, source: Endpoint) => DataPlaneCommand | undefined;

class MistakenDataPlane implements DataPlane {
  readonly #honest: DataPlane;
  readonly #change: (command: DataPlaneCommand) => DataPlaneCommand;
  readonly #react: Reaction;
  #source: Endpoint | undefined;
  #now: Instant = instant(0);

  constructor(honest: DataPlane, change: (command: DataPlaneCommand) => DataPlaneCommand, react: Reaction) {
    this.#honest = honest;
    this.#change = change;
    this.#react = react;
  }

  command(command: DataPlaneCommand, now: Instant): void {
    this.#now = now;
    this.#honest.command(this.#change(command), now);
  }

  fromUdp(source: Endpoint, datagram: Uint8Array, now: Instant): void {
    this.#now = now;
    this.#source = source;
    this.#honest.fromUdp(source, datagram, now);
  }

  fromTun(packet: Uint8Array, now: Instant): void {
    this.#now = now;
    this.#honest.fromTun(packet, now);
  }

  tick(now: Instant): void {
    this.#now = now;
    this.#honest.tick(now);
  }

  poll(): DataPlaneOutput | undefined {
    const output = this.#honest.poll();
    const isDrop = output?.to === "control" && output.event.kind === "drop-sample";
    const reaction = isDrop && this.#source ? this.#react(output.event as DropSample, this.#source) : undefined;
    if (reaction) this.#honest.command(reaction, this.#now);
    return output;
  }

  pollTimeout(): Instant | undefined {
    return this.#honest.pollTimeout();
  }

  snapshot(): readonly SessionSnapshot[] {
    return this.#honest.snapshot();
  }
}

class ForgivingDataPlane implements DataPlane {
  readonly #honest: DataPlane;
  readonly #suite: CryptoSuite;
  readonly #forgiven: DropReason;
  readonly #keys = new Map<number, { readonly aead: Aead; readonly cipher: "aes" | "chachapoly" }>();
  readonly #forgives: (packet: Uint8Array, known: ReadonlySet<string>) => boolean;
  readonly #known = new Set<string>();
  readonly #outputs: DataPlaneOutput[] = [];

  constructor(
    suite: CryptoSuite,
    forgiven: DropReason,
    forgives: (packet: Uint8Array, known: ReadonlySet<string>) => boolean,
  ) {
    this.#forgives = forgives;
    this.#honest = realParts.dataPlane(suite);
    this.#suite = suite;
    this.#forgiven = forgiven;
  }

  command(command: DataPlaneCommand, now: Instant): void {
    if (command.kind === "install-session") {
      const { localIndex, cipher, receiveKey } = command;
      this.#keys.set(localIndex, { aead: this.#suite.aead(cipher, receiveKey.slice()), cipher });
    }
    this.#honest.command(command, now);
  }

  fromUdp(source: Endpoint, datagram: Uint8Array, now: Instant): void {
    const received = datagram.slice();
    this.#honest.fromUdp(source, datagram, now);
    for (let output = this.#honest.poll(); output; output = this.#honest.poll()) {
      this.#outputs.push(output);
      if (output.to === "tun") this.#known.add(flowOf(output.packet));
      if (output.to !== "control" || output.event.kind !== "drop-sample") continue;
      const packet = output.event.reason === this.#forgiven && output.event.inbound ? this.#open(received) : undefined;
      if (packet && this.#forgives(packet, this.#known)) this.#outputs.push({ to: "tun", packet });
    }
  }

  fromTun(packet: Uint8Array, now: Instant): void {
    this.#honest.fromTun(packet, now);
  }

  tick(now: Instant): void {
    this.#honest.tick(now);
  }

  poll(): DataPlaneOutput | undefined {
    return this.#outputs.shift() ?? this.#honest.poll();
  }

  pollTimeout(): Instant | undefined {
    return this.#honest.pollTimeout();
  }

  snapshot(): readonly SessionSnapshot[] {
    return this.#honest.snapshot();
  }

  #open(datagram: Uint8Array): Uint8Array | undefined {
    const header = decodeHeader(datagram);
    const keys = datagram.length >= HEADER_BYTES ? this.#keys.get(readUint32(datagram, 4)) : undefined;
    if (!header.ok || header.value.type !== 1 || !keys) return undefined;
    const nonce = nonceOf(keys.cipher, header.value.counter);
    return keys.aead.open(nonce, datagram.subarray(0, HEADER_BYTES), datagram.subarray(HEADER_BYTES));
  }
}

/** Protocol, addresses and ports, as they stand in the packet. */
function flowOf(packet: Uint8Array): string {
  const isIpv6 = packet[0] !== undefined && packet[0] >> 4 === 6;
  return isIpv6 ? `${packet[6]} ${packet.subarray(8, 44)}` : `${packet[9]} ${packet.subarray(12, 24)}`;
}

class AlteredControl implements ControlPlane {
  readonly #honest: ControlPlane;
  readonly #change: (output: Output) => readonly Output[];
  readonly #hears: (input: Input) => boolean;
  readonly #outputs: Output[] = [];

  constructor(honest: ControlPlane, change: (output: Output) => readonly Output[], hears: (input: Input) => boolean) {
    this.#honest = honest;
    this.#change = change;
    this.#hears = hears;
  }

  handle(input: Input, clock: Clock): void {
    if (this.#hears(input)) this.#honest.handle(input, clock);
    for (let output = this.#honest.poll(); output; output = this.#honest.poll()) {
      this.#outputs.push(...this.#change(output));
    }
  }

  poll(): Output | undefined {
    return this.#outputs.shift();
  }

  pollTimeout(): Deadline | undefined {
    return this.#honest.pollTimeout();
  }
}
