import { concatBytes, writeUint32 } from "../../src/core/base/bytes.ts";
import { toHandshakeForm } from "../../src/core/cert/handshake-form.ts";
import type { SessionSnapshot } from "../../src/core/dataplane/contract.ts";
import { message2BytesMax } from "../../src/core/handshake/message-bytes.ts";
import { type Endpoint, endpointAddress } from "../../src/core/netip/endpoint.ts";
import { encodeHandshakePayload } from "../../src/core/wire/handshake-payload.ts";
import { encodeHeader, HEADER_BYTES, PacketType, recvErrorFor } from "../../src/core/wire/header.ts";
import { type Flight, type Host, Mesh } from "../unit/fixtures/mesh.ts";
import { bytesOf, type Random } from "./message1-forms.ts";

/** What a run of datagrams that prove nothing came to. */
export interface LedgerReport {
  readonly datagrams: number;
  readonly cameBytes: number;
  /** What they drew, to whatever address. */
  readonly wentBytes: number;
  /** Of that, answers to messages 1. */
  readonly answers: number;
}

/** IPv4 and UDP, the least that every datagram has besides. */
const HEADERS_BYTES = 28;
const TARGET = "192.0.2.1:4242";
/** Datagrams per second, of all sources together; no source exceeds by much what the limiters let through. */
const PER_SECOND = 700;

interface Account {
  cameBytes: number;
  wentBytes: number;
  /** The same with headers. */
  cameOnWire: number;
  wentOnWire: number;
}

/**
 * Sends random and half-random datagrams from a few dozen addresses - some of them those of its peers - to a host with tunnels that stand. Throws as
 * soon as more has gone to an address than came from it, with headers or without. Repeatable by its seed.
 */
export function drawFrom(count: number, random: Random): LedgerReport {
  const stage = new Stage(random);
  const accounts = new Map<string, Account>();
  const accountOf = (at: Endpoint): Account => {
    const address = endpointAddress(at);
    const account = accounts.get(address) ?? { cameBytes: 0, wentBytes: 0, cameOnWire: 0, wentOnWire: 0 };
    accounts.set(address, account);
    return account;
  };
  let answers = 0;
  stage.onFlight = ({ to, datagram }) => {
    const account = accountOf(to);
    account.wentBytes += datagram.length;
    account.wentOnWire += datagram.length + HEADERS_BYTES;
    if (datagram[0] === (0x10 | PacketType.handshake)) answers++;
    if (account.wentBytes > account.cameBytes || account.wentOnWire > account.cameOnWire)
      throw new Error(`${JSON.stringify(account)}: more has gone to ${to} than came from there`);
  };
  for (let i = 0; i < count; i++) {
    const { source, datagram } = stage.datagram();
    const account = accountOf(source);
    account.cameBytes += datagram.length;
    account.cameOnWire += datagram.length + HEADERS_BYTES;
    stage.receive(source, datagram);
  }
  stage.rest();
  const sum = (of: (account: Account) => number): number =>
    [...accounts.values()].reduce((all, one) => all + of(one), 0);
  return {
    datagrams: count,
    cameBytes: sum(({ cameBytes }) => cameBytes),
    wentBytes: sum(({ wentBytes }) => wentBytes),
    answers,
  };
}

/** A host, its peers that have fallen silent, what was recorded while they talked, and strangers. */
class Stage {
  onFlight: (flight: Flight) => void = () => {};
  readonly #random: Random;
  readonly #mesh = new Mesh();
  readonly #target: Host;
  readonly #peers: readonly Host[];
  readonly #sources: readonly Endpoint[];
  /** Those that stand. */
  readonly #sessions: readonly SessionSnapshot[];
  /** What went to the target and from it. */
  readonly #tape: readonly Uint8Array[];
  readonly #messages1: readonly Uint8Array[];
  /** With the headers that it may have. */
  readonly #longestAnswerBytes: number;

  constructor(random: Random) {
    this.#random = random;
    const statics = { "10.77.0.1": [TARGET] };
    this.#target = this.#mesh.host(TARGET, { name: "target", networks: ["10.77.0.1/16"], versions: [1, 2] });
    this.#peers = [2, 3, 4, 5].map((n) =>
      this.#mesh.host(`192.0.2.${n}:4242`, {
        name: `peer-${n}`,
        networks: [`10.77.0.${n}/16`],
        keySeed: n,
        versions: n % 2 === 0 ? [1] : [2],
        groups: ["some", "groups"],
        statics,
      }),
    );
    for (const peer of this.#peers) peer.say(this.#target, "hello");
    this.#mesh.run(500);
    this.#tape = this.#mesh.flights.map(({ datagram }) => datagram);
    this.#messages1 = this.#tape.filter((datagram) => isHandshake(datagram, 1));
    this.#mesh.run(60_000);
    this.#mesh.delivers = () => false;
    this.#sessions = this.#target.dataPlane.snapshot();
    if (this.#sessions.length !== this.#peers.length) throw new Error("not every tunnel stands");
    const strangers = Array.from({ length: 30 }, (_, i) => [`203.0.113.${i}:4242`, `203.0.113.${i}:9`]).flat();
    const v6 = Array.from({ length: 6 }, (_, i) => `[2001:db8::${i + 1}]:4242`);
    this.#sources = [...strangers, ...v6, ...this.#peers.map(({ endpoint }) => endpoint)] as Endpoint[];
    this.#longestAnswerBytes = message2BytesMax(this.#target.settings.live.identity.credential) + 48;
    this.#forget();
  }

  receive(source: Endpoint, datagram: Uint8Array): void {
    this.#mesh.run(this.#random(2000 / PER_SECOND));
    this.#target.receive(source, datagram);
    this.#look();
  }

  /** What comes later because of what came before. */
  rest(): void {
    this.#mesh.run(15_000);
    this.#look();
  }

  datagram(): { readonly source: Endpoint; readonly datagram: Uint8Array } {
    const at = this.#random(this.#sources.length);
    const source = this.#sources[at]!;
    // Some send nothing else, so that nothing else pays for what they draw.
    if (at % 4 === 0) return { source, datagram: this.#forgedMessage1(this.#longestAnswerBytes) };
    if (at % 4 === 1) return { source, datagram: this.#forgedMessage1(0) };
    switch (this.#random(8)) {
      case 0:
        return { source, datagram: bytesOf(this.#random(1_400), this.#random) };
      case 1:
        return { source, datagram: this.#headed() };
      case 2:
        return { source, datagram: this.#pick(this.#tape).slice() };
      case 3:
        return { source, datagram: this.#changed(this.#pick(this.#tape)) };
      case 4:
        return { source, datagram: this.#changed(this.#pick(this.#messages1)) };
      case 5:
        return { source, datagram: this.#recvError(source) };
      default:
        return { source, datagram: this.#forgedMessage1(this.#random(3) * this.#random(400)) };
    }
  }

  /** A header that can be read, and anything behind it. */
  #headed(): Uint8Array {
    const index = this.#random(2) === 0 ? this.#pick(this.#sessions).localIndex : this.#word();
    const header = encodeHeader({
      type: this.#random(7) as PacketType,
      subtype: this.#random(2),
      remoteIndex: this.#random(4) === 0 ? 0 : index,
      counter: BigInt(this.#random(8)),
    });
    return concatBytes(header, bytesOf(this.#random(300), this.#random));
  }

  /**
   * Whoever sees a peer's packets knows both their address and their index, and can have the peer called once in five seconds; nobody else
   * knows the two together.
   */
  #recvError(source: Endpoint): Uint8Array {
    const { path, remoteIndex } = this.#pick(this.#sessions);
    const isOnTheWay = path?.kind === "direct" && path.endpoint === source;
    return recvErrorFor(isOnTheWay ? this.#word() : remoteIndex);
  }

  /** With a real certificate and a real key, and nobody who has its other half; as many bytes long, at least. */
  #forgedMessage1(bytes: number): Uint8Array {
    const { credential } = this.#pick(this.#peers).settings.live.identity;
    const certificate = credential.certificates[1] ?? credential.certificates[2];
    if (!certificate) throw new Error("a peer has a certificate");
    const minutes = this.#pick([0, 0, 1, 60, 10_000, -1, -10_000]);
    const payload = encodeHandshakePayload(
      {
        certificate: toHandshakeForm(certificate),
        certificateVersion: certificate.version,
        initiatorIndex: this.#word(),
        responderIndex: 0,
        time: this.#mesh.clock.wall + BigInt(minutes) * 60_000_000_000n,
      },
      bytes - HEADER_BYTES - 64,
    );
    const header = encodeHeader({ type: PacketType.handshake, subtype: 0, remoteIndex: 0, counter: 1n });
    return concatBytes(header, bytesOf(32, this.#random), certificate.publicKey, payload);
  }

  #changed(datagram: Uint8Array): Uint8Array {
    const copy = datagram.slice();
    const at = this.#random(copy.length);
    switch (this.#random(4)) {
      case 0:
        return copy.subarray(0, at);
      case 1:
        return concatBytes(copy, bytesOf(this.#random(64), this.#random));
      case 2:
        if (copy.length >= HEADER_BYTES) writeUint32(copy, this.#pick([4, 8, 12]), this.#word());
        return copy;
      default:
        copy[at] = (copy[at] ?? 0) ^ (1 << this.#random(8));
        return copy;
    }
  }

  #look(): void {
    const { flights } = this.#mesh;
    // The peers live on, and nobody hears them: what counts is what the target sends.
    for (const flight of flights) if (flight.from === TARGET) this.onFlight(flight);
    this.#forget();
  }

  #forget(): void {
    this.#mesh.flights.length = 0;
    this.#target.notices.length = 0;
    this.#target.commands.length = 0;
  }

  #word(): number {
    return 1 + this.#random(0x7fff_ffff);
  }

  #pick<Each>(list: readonly Each[]): Each {
    return list[this.#random(list.length)]!;
  }
}

function isHandshake(datagram: Uint8Array, counter: number): boolean {
  return datagram.length > HEADER_BYTES && datagram[0] === (0x10 | PacketType.handshake) && datagram[15] === counter;
}
