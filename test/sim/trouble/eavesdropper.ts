import { concatBytes, readUint32, writeUint32 } from "../../../src/core/base/bytes.ts";
import type { Certificate } from "../../../src/core/cert/certificate.ts";
import { toHandshakeForm } from "../../../src/core/cert/handshake-form.ts";
import { familyOf, type IpAddress, parseAddress } from "../../../src/core/netip/address.ts";
import { type Endpoint, endpoint, endpointAddress } from "../../../src/core/netip/endpoint.ts";
import { encodeHandshakePayload } from "../../../src/core/wire/handshake-payload.ts";
import { encodeHeader, HEADER_BYTES, PacketType, recvErrorFor } from "../../../src/core/wire/header.ts";
import type { Network } from "../underlay/network.ts";
import type { Agenda } from "../world/agenda.ts";
import { WORLD_EPOCH_NS } from "../world/host.ts";
import type { Journal } from "../world/journal.ts";
import type { Random } from "../world/random.ts";

interface Overheard {
  readonly source: Endpoint;
  readonly destination: Endpoint;
  readonly datagram: Uint8Array;
}

/**
 * An attacker in the network: hears every datagram, sends any bytes from any address, knows every certificate, holds no key. None of
 * its datagrams may ever be believed.
 */
export class Eavesdropper {
  readonly #agenda: Agenda;
  readonly #network: Network;
  readonly #random: Random;
  readonly #journal: Journal;
  readonly #certificates: readonly Certificate[];
  readonly #heard: Overheard[] = [];

  constructor(
    agenda: Agenda,
    network: Network,
    random: Random,
    journal: Journal,
    certificates: readonly Certificate[],
  ) {
    this.#agenda = agenda;
    this.#network = network;
    this.#random = random;
    this.#journal = journal;
    this.#certificates = certificates;
  }

  hear(source: Endpoint, destination: Endpoint, datagram: Uint8Array): void {
    this.#heard.unshift({ source, destination, datagram });
    if (this.#heard.length > HEARD_MAX) this.#heard.pop();
  }

  /** Does something nasty every `pauseMs` or less, until `end`. */
  attack(pauseMs: number, end: number): void {
    this.#agenda.after(this.#random.between(1, pauseMs), () => {
      if (this.#agenda.now >= end) return;
      const memory = this.#random.chance(0.5) ? FRESH : HEARD_MAX;
      const heard = this.#heard[this.#random.below(Math.min(memory, this.#heard.length))];
      if (heard) this.#strike(heard);
      this.attack(pauseMs, end);
    });
  }

  #strike(heard: Overheard): void {
    const { source, destination, datagram } = heard;
    const tricks = [
      () => this.#inject("replays", source, destination, datagram),
      () => this.#inject("replays from elsewhere", this.#stranger(destination), destination, datagram),
      () => this.#inject("reflects", destination, source, datagram),
      () => this.#inject("mutates", source, destination, this.#mutated(datagram)),
      () => this.#inject("mutates from elsewhere", this.#stranger(destination), destination, this.#mutated(datagram)),
      () => this.#spoofRecvError(heard),
      () => this.#forgeMessage1(source, destination),
      () => this.#forgeMessage2(heard),
      () =>
        this.#inject(
          "sends junk",
          this.#stranger(destination),
          destination,
          this.#random.bytes(this.#random.below(1500)),
        ),
    ];
    this.#random.pick(tricks)();
  }

  /** Flips, cuts, lengthens, or writes another counter or index: whatever a decoder could stumble over. */
  #mutated(datagram: Uint8Array): Uint8Array {
    const copy = datagram.slice();
    const at = this.#random.below(Math.max(copy.length, 1));
    switch (this.#random.below(4)) {
      case 0:
        return copy.subarray(0, at);
      case 1:
        return concatBytes(copy, this.#random.bytes(this.#random.between(1, 64)));
      case 2:
        if (copy.length >= HEADER_BYTES) writeUint32(copy, this.#random.pick([4, 8, 12]), this.#random.word());
        return copy;
      default:
        if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ (1 << this.#random.below(8));
        return copy;
    }
  }

  /** The right address and the right index: all that a recv_error has to show (reliability R12). */
  #spoofRecvError({ source, destination, datagram }: Overheard): void {
    if (datagram.length < HEADER_BYTES) return;
    this.#inject("spoofs recv_error", destination, source, recvErrorFor(readUint32(datagram, 4)));
  }

  /** Message 1 is clear text: a real certificate, a real public key, and no private one (reliability R10). */
  #forgeMessage1(victim: Endpoint, destination: Endpoint): void {
    const certificate = this.#random.pick(this.#certificates);
    const payload = encodeHandshakePayload({
      certificate: toHandshakeForm(certificate),
      certificateVersion: certificate.version,
      initiatorIndex: this.#random.word() | 1,
      responderIndex: 0,
      time: this.#lieAboutTime(),
    });
    const header = encodeHeader({ type: PacketType.handshake, subtype: 0, remoteIndex: 0, counter: 1n });
    const ephemeral = this.#random.chance(0.1) ? new Uint8Array(32) : this.#random.bytes(32);
    const message = concatBytes(header, ephemeral, certificate.publicKey, payload);
    this.#inject(
      `forges message 1 of ${certificate.name}`,
      this.#random.pick([victim, this.#stranger(destination)]),
      destination,
      message,
    );
  }

  /** To a host that is waiting for one: the index stands in the clear in its message 1. */
  #forgeMessage2({ source, destination, datagram }: Overheard): void {
    if (datagram.length < HEADER_BYTES || datagram[0] !== (0x10 | PacketType.handshake)) return;
    const header = encodeHeader({
      type: PacketType.handshake,
      subtype: 0,
      remoteIndex: this.#random.pick([readUint32(datagram, 4), this.#random.word() | 1]),
      counter: 2n,
    });
    const body = this.#random.bytes(this.#random.between(64, 400));
    this.#inject("forges message 2", destination, source, concatBytes(header, body));
  }

  /** Another one each time: an address that became known by relaying a real packet must not excuse the next forgery. */
  #stranger(destination: Endpoint): Endpoint {
    const family = familyOf(endpointAddress(destination));
    return endpoint(strangersAddresses[family], this.#random.between(1, 65_535));
  }

  #lieAboutTime(): bigint {
    const honest = WORLD_EPOCH_NS + BigInt(this.#agenda.now) * 1_000_000n;
    return (
      honest + this.#random.pick([0n, 1_000_000n, 3_600_000_000_000n, 400_000_000_000_000n, -400_000_000_000_000n])
    );
  }

  #inject(what: string, source: Endpoint, destination: Endpoint, datagram: Uint8Array): void {
    this.#journal.remark(
      this.#agenda.now,
      "attacker",
      `${what}: ${source} -> ${destination} (${datagram.length} bytes)`,
    );
    this.#network.inject(source, destination, datagram, this.#random.below(20));
  }
}

const strangersAddresses = {
  4: parseAddress("203.0.113.66") as IpAddress,
  6: parseAddress("2001:db8:ffff::66") as IpAddress,
};
const HEARD_MAX = 512;
/** Of sessions that still live. */
const FRESH = 16;
