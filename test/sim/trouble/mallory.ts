import { concatBytes, equalBytes } from "../../../src/core/base/bytes.ts";
import type { Credential } from "../../../src/core/cert/credential.ts";
import { nonceOf } from "../../../src/core/crypto/nonce.ts";
import type { Aead, Cipher, CryptoSuite } from "../../../src/core/crypto/suite.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { type Endpoint, endpoint, parseEndpoint } from "../../../src/core/netip/endpoint.ts";
import { IxInitiator, type SessionKeys } from "../../../src/core/noise/ix.ts";
import { decodeHandshakePayload } from "../../../src/core/wire/handshake-payload.ts";
import { decodeHeader, encodeHeader, HEADER_BYTES, type Header, PacketType } from "../../../src/core/wire/header.ts";
import { encodeLighthouseMessage } from "../../../src/core/wire/lighthouse.ts";
import { malloryRole, overlayAddress, UNDERLAY_PORT, underlayAddress } from "../cast/cast.ts";
import type { Referee } from "../judge/referee.ts";
import type { Faces } from "../underlay/faces.ts";
import type { Network } from "../underlay/network.ts";
import type { Agenda } from "../world/agenda.ts";
import type { Host } from "../world/host.ts";
import type { Journal } from "../world/journal.ts";
import type { Random } from "../world/random.ts";
import { answerInstead, drawIndex, type Impostor, keysOf, payloadOf } from "./impostor.ts";

interface Session {
  readonly victim: Host;
  readonly remoteIndex: number;
  readonly seal: Aead;
  counter: bigint;
}

/**
 * A member of the network with a certificate and a key of its own, and no manners: builds tunnels like everybody else and then lies in them
 * - about inner addresses, ports, other hosts' places - and answers calls that were meant for others.
 */
export class Mallory {
  readonly endpoint: Endpoint = endpoint(underlayAddress(malloryRole.number, 0), UNDERLAY_PORT);
  readonly #suite: CryptoSuite;
  readonly #credential: Credential;
  readonly #cipher: Cipher;
  readonly #agenda: Agenda;
  readonly #network: Network;
  readonly #random: Random;
  readonly #journal: Journal;
  readonly #referee: Referee;
  readonly #victims: readonly Host[];
  readonly #faces: Faces;
  readonly #calls = new Map<number, IxInitiator>();
  readonly #sessions: Session[] = [];

  constructor(options: {
    readonly suite: CryptoSuite;
    readonly credential: Credential;
    readonly cipher: Cipher;
    readonly agenda: Agenda;
    readonly network: Network;
    readonly random: Random;
    readonly journal: Journal;
    readonly referee: Referee;
    readonly victims: readonly Host[];
    readonly faces: Faces;
  }) {
    this.#suite = options.suite;
    this.#credential = options.credential;
    this.#cipher = options.cipher;
    this.#agenda = options.agenda;
    this.#network = options.network;
    this.#random = options.random;
    this.#journal = options.journal;
    this.#referee = options.referee;
    this.#victims = options.victims;
    this.#faces = options.faces;
    this.#referee.strangers.know(this.endpoint);
    // A member may say that it is anywhere; whoever looks for it calls there. That is bounded by candidate lists, not by accounts.
    this.#referee.strangers.know(nowhere);
    this.#network.listen(this.endpoint, (_, datagram) => this.#receive(datagram));
  }

  /** Is a nuisance every `pauseMs` or less, until `end`. */
  attack(pauseMs: number, end: number): void {
    this.#agenda.after(this.#random.between(1, pauseMs), () => {
      if (this.#agenda.now >= end) return;
      const session = this.#sessions.length > 0 ? this.#random.pick(this.#sessions) : undefined;
      if (this.#random.chance(session ? 0.03 : 0.3)) this.#call(this.#random.pick(this.#victims));
      else if (session) this.#abuse(session);
      this.attack(pauseMs, end);
    });
  }

  /** On the wire: sometimes answers a message 1 that was meant for somebody else, from that one's address. */
  hear(source: Endpoint, destination: Endpoint, datagram: Uint8Array): void {
    const caller = this.#victims.find((host) => this.#faces.of(host) === source);
    if (!caller || !this.#random.chance(0.1)) return;
    const answer = answerInstead(this.#impostor, datagram, this.#agenda.now);
    if (!answer || !isKeyOf(caller.settings.live.identity.credential, answer.callerKey)) return;
    this.#hold(caller, answer.keys.responderToInitiator, answer.keys.initiatorToResponder);
    this.#remark(`answers ${caller.name}'s call to ${destination}`);
    this.#network.inject(destination, source, answer.datagram, 0);
  }

  #call(victim: Host): void {
    const index = drawIndex(this.#random);
    const initiator = new IxInitiator(keysOf(this.#impostor));
    const indexes = { initiatorIndex: index, responderIndex: 0, now: this.#agenda.now };
    const message = initiator.writeMessage1(payloadOf(this.#impostor, indexes));
    this.#calls.set(index, initiator);
    this.#remark(`calls ${victim.name}`);
    this.#network.send(this.endpoint, this.#faces.of(victim), concatBytes(this.#handshakeHeader(0, 1n), message));
  }

  #receive(datagram: Uint8Array): void {
    const header = decodeHeader(datagram);
    if (header.ok && header.value.type === PacketType.handshake) this.#answered(header.value, datagram);
  }

  #answered(header: Header, datagram: Uint8Array): void {
    const second = this.#calls.get(header.remoteIndex)?.readMessage2(datagram.subarray(HEADER_BYTES));
    const payload = second?.ok ? decodeHandshakePayload(second.value.payload) : undefined;
    if (!second?.ok || !payload?.ok) return;
    this.#calls.delete(header.remoteIndex);
    const { keys, remoteStatic } = second.value;
    // Behind a NAT that has given the port to another host, it is that host who answers.
    const victim = this.#victims.find(({ settings }) => isKeyOf(settings.live.identity.credential, remoteStatic));
    if (!victim) return;
    this.#hold(victim, keys.initiatorToResponder, keys.responderToInitiator);
    this.#sessions.push({
      victim,
      remoteIndex: payload.value.responderIndex,
      seal: this.#suite.aead(this.#cipher, keys.initiatorToResponder.slice()),
      counter: 2n,
    });
    if (this.#sessions.length > SESSIONS_MAX) this.#sessions.shift();
  }

  #abuse(session: Session): void {
    const someone = overlayAddress(this.#random.between(1, 5), 4);
    const port = this.#random.between(1, 9999);
    const tricks = [
      () => this.#inner(session, someone, "udp", 7000),
      () => this.#inner(session, this.#own(), this.#random.pick(["tcp", "udp"] as const), port),
      () => this.#inner(session, this.#own(), "icmp", 1),
      () => this.#lie(session),
      () => this.#nonsense(session, PacketType.message),
      () => this.#nonsense(session, PacketType.test),
      () => this.#nonsense(session, this.#random.pick([PacketType.lighthouse, PacketType.control])),
      () => this.#nonsense(session, PacketType.closeTunnel),
    ];
    this.#random.pick(tricks)();
  }

  #nonsense(session: Session, type: PacketType): void {
    this.#remark(`sends nonsense of type ${type} to ${session.victim.name}`);
    this.#send(session, type, this.#random.bytes(this.#random.below(200)));
  }

  #inner(session: Session, from: IpAddress, protocol: "icmp" | "tcp" | "udp", toPort: number): void {
    const to = session.victim.settings.live.identity.credential.addresses[0];
    if (to === undefined) return;
    const flow = { from, to, protocol, toPort, fromPort: protocol === "icmp" ? toPort : 50_000 };
    const { id, packet } = this.#referee.ledger.issue(malloryRole, flow, 40, this.#agenda.now);
    this.#remark(`sends packet ${id} to ${session.victim.name} as ${from} (${protocol} ${toPort})`);
    this.#send(session, PacketType.message, packet);
  }

  /** Says where others are, to hosts that must not believe it and to the lighthouse that must know better. */
  #lie(session: Session): void {
    const target = overlayAddress(this.#random.pick([1, 2, 3, 4, 5, malloryRole.number]), 4);
    const endpoints = Array.from({ length: this.#random.between(1, 12) }, () => nowhere);
    const message = this.#random.pick([
      { kind: "host-update", address: target, endpoints, relays: [] },
      { kind: "host-query-reply", target, endpoints, relays: [] },
      { kind: "host-punch", address: target, endpoints, relays: [] },
      { kind: "host-query", target },
      { kind: "host-update-ack", address: target, seen: endpoints },
    ] as const);
    const bytes = encodeLighthouseMessage(message, this.#random.pick([1, 2] as const));
    this.#remark(`lies to ${session.victim.name}: ${message.kind} about ${target}`);
    if (bytes) this.#send(session, PacketType.lighthouse, bytes);
  }

  #send(session: Session, type: PacketType, body: Uint8Array): void {
    const counter = ++session.counter;
    const header = encodeHeader({ type, subtype: 0, remoteIndex: session.remoteIndex, counter });
    const sealed = session.seal.seal(nonceOf(this.#cipher, counter), header, body);
    this.#network.send(this.endpoint, this.#faces.of(session.victim), concatBytes(header, sealed));
  }

  #hold(victim: Host, sendKey: SessionKeys["initiatorToResponder"], receiveKey: Uint8Array): void {
    const peer = victim.settings.live.identity.credential.addresses;
    const own = [overlayAddress(malloryRole.number, 4), overlayAddress(malloryRole.number, 6)];
    this.#referee.sessions.hold(malloryRole.name, own, peer, sendKey, receiveKey);
  }

  get #impostor(): Impostor {
    return { suite: this.#suite, cipher: this.#cipher, credential: this.#credential, random: this.#random };
  }

  #handshakeHeader(remoteIndex: number, counter: bigint): Uint8Array {
    return encodeHeader({ type: PacketType.handshake, subtype: 0, remoteIndex, counter });
  }

  #own(): IpAddress {
    return overlayAddress(malloryRole.number, 4);
  }

  #remark(text: string): void {
    this.#journal.remark(this.#agenda.now, malloryRole.name, text);
  }
}

function isKeyOf({ key }: Credential, publicKey: Uint8Array): boolean {
  return equalBytes(key.publicKey, publicKey);
}

const nowhere = parseEndpoint("203.0.113.99:9999") as Endpoint;
const SESSIONS_MAX = 8;
