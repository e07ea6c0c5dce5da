import { concatBytes } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Instant } from "../../base/time.ts";
import { nonceOf } from "../../crypto/nonce.ts";
import type { Aead, Cipher, CryptoSuite } from "../../crypto/suite.ts";
import type { IpAddress } from "../../netip/address.ts";
import { contains, type Prefix } from "../../netip/prefix.ts";
import { encodeHeader, HEADER_BYTES, MessageSubtype, PacketType, TAG_BYTES } from "../../wire/header.ts";
import type {
  LocalIndex,
  PolicyId,
  RemoteIndex,
  SessionActivity,
  SessionInstallation,
  SessionSnapshot,
} from "../contract.ts";
import { COUNTER_HIGH, COUNTER_LAST } from "../counter-limits.ts";
import { KeptAnswer } from "./kept-answer.ts";
import { SessionMtu } from "./path-mtu.ts";
import { ReplayWindow } from "./replay-window.ts";
import { SessionPath } from "./roaming.ts";

const KEY_BYTES = 32;
/** Time between two notes of where a peer is. */
const NOTE_INTERVAL_MS = 1000;

/** One installed session: its keys, its counters, its path, and what has gone through it. */
export class Session {
  readonly localIndex: LocalIndex;
  readonly remoteIndex: RemoteIndex;
  readonly peerAddresses: readonly IpAddress[];
  /** Who it is with: the first of the addresses, whichever session this is. */
  readonly peer: IpAddress;
  readonly path: SessionPath;
  readonly mtu: SessionMtu = new SessionMtu();
  /** What it is answered without the control plane. */
  readonly keptAnswer: KeptAnswer = new KeptAnswer();
  policyId: PolicyId;

  readonly #allowedPrefixes: readonly Prefix[];
  readonly #memo: Uint8Array;
  readonly #cipher: Cipher;
  readonly #sendKey: Aead;
  readonly #receiveKey: Aead;
  readonly #window: ReplayWindow;
  #lost = 0;
  #noteFrom = 0;
  #sendCounter: bigint;
  #confirmed: boolean;
  #announcedHigh = false;
  #announcedExhausted = false;
  // What was sent and received, as it is on the wire. Numbers of the session itself: objects of their own would take twice the room.
  #receivedPackets = 0;
  #receivedBytes = 0;
  #hasReceived = false;
  #sentPackets = 0;
  #sentBytes = 0;
  #hasSent = false;
  readonly #used: SessionSet;

  /** `used`: where it enters itself with the first datagram after it was last asked for its activity. */
  constructor(suite: CryptoSuite, installation: SessionInstallation, used: SessionSet) {
    this.#used = used;
    this.localIndex = installation.localIndex;
    this.remoteIndex = installation.remoteIndex;
    const [peer] = installation.peerAddresses;
    if (!peer) throw new Fault("session-without-peer", "a session was installed for nobody");
    this.peer = peer;
    this.peerAddresses = installation.peerAddresses;
    this.path = new SessionPath(installation.path);
    this.policyId = installation.policyId;
    this.#allowedPrefixes = installation.allowedPrefixes;
    this.#memo = installation.memo;
    this.#cipher = installation.cipher;
    const keys = concatBytes(installation.sendKey, installation.receiveKey);
    this.#sendKey = suite.aead(installation.cipher, keys.subarray(0, KEY_BYTES));
    this.#receiveKey = suite.aead(installation.cipher, keys.subarray(KEY_BYTES));
    this.#window = new ReplayWindow(installation.receiveFloor);
    this.#sendCounter = installation.sendCounter;
    this.#confirmed = installation.confirmed;
  }

  get confirmed(): boolean {
    return this.#confirmed;
  }

  get sendCounter(): bigint {
    return this.#sendCounter;
  }

  get exhausted(): boolean {
    return this.#sendCounter >= COUNTER_LAST;
  }

  /** True once, for the caller to tell. */
  announcesExhausted(): boolean {
    if (!this.exhausted || this.#announcedExhausted) return false;
    this.#announcedExhausted = true;
    return true;
  }

  /** True once, for the caller to tell. */
  announcesHigh(): boolean {
    if (this.#sendCounter < COUNTER_HIGH || this.#announcedHigh) return false;
    this.#announcedHigh = true;
    return true;
  }

  /** The datagram for this body under the next counter (protocol 2.3). Only while not `exhausted`. */
  seal(type: PacketType, subtype: number, body: Uint8Array): Uint8Array {
    const counter = this.#nextCounter();
    const header = encodeHeader({ type, subtype, remoteIndex: this.remoteIndex, counter });
    const datagram = this.#sendKey.sealBehind(nonceOf(this.#cipher, counter), header, body);
    this.#sent(datagram);
    return datagram;
  }

  /**
   * The frame that asks the peer to relay this datagram: all of it is authenticated, nothing encrypted (protocol 7.4). Only while not
   * `exhausted`.
   */
  wrap(relayIndex: number, datagram: Uint8Array): Uint8Array {
    const counter = this.#nextCounter();
    const type = PacketType.message;
    const header = encodeHeader({ type, subtype: MessageSubtype.relay, remoteIndex: relayIndex, counter });
    const authenticated = concatBytes(header, datagram);
    const frame = this.#sendKey.sealBehind(nonceOf(this.#cipher, counter), authenticated, NOTHING);
    this.#sent(frame);
    return frame;
  }

  #nextCounter(): bigint {
    if (this.exhausted) throw new Fault("counter-exhausted", "nothing is sealed with an exhausted counter");
    this.#sendCounter++;
    return this.#sendCounter;
  }

  /** Whether a packet with this counter is new. */
  isNew(counter: bigint): boolean {
    return this.#window.accepts(counter);
  }

  /** Whether it is known that this counter was received. */
  remembers(counter: bigint): boolean {
    return this.#window.remembers(counter);
  }

  /** How many counters are known to be lost that were not when this was last asked. */
  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  /** The body of a new packet, or undefined, with nothing changed, when it is not authentic. */
  open(counter: bigint, datagram: Uint8Array): Uint8Array | undefined {
    const header = datagram.subarray(0, HEADER_BYTES);
    const body = this.#receiveKey.open(nonceOf(this.#cipher, counter), header, datagram.subarray(HEADER_BYTES));
    if (body) this.#received(counter, datagram);
    return body;
  }

  /** The datagram in a new frame, or undefined, with nothing changed, when the frame is not authentic. */
  unwrap(counter: bigint, frame: Uint8Array): Uint8Array | undefined {
    const authenticated = frame.subarray(0, frame.length - TAG_BYTES);
    const tag = frame.subarray(authenticated.length);
    if (!this.#receiveKey.open(nonceOf(this.#cipher, counter), authenticated, tag)) return undefined;
    this.#received(counter, frame);
    return authenticated.subarray(HEADER_BYTES);
  }

  #received(counter: bigint, datagram: Uint8Array): void {
    this.#lost += this.#window.commit(counter);
    this.#noteUse();
    this.#receivedPackets++;
    this.#receivedBytes += datagram.length;
    this.#hasReceived = true;
  }

  #sent(datagram: Uint8Array): void {
    this.#noteUse();
    this.#sentPackets++;
    this.#sentBytes += datagram.length;
    this.#hasSent = true;
  }

  #noteUse(): void {
    if (!this.#hasReceived && !this.#hasSent) this.#used.add(this);
  }

  /** The peer has proved that it holds the keys. True when that was not known before. */
  confirm(): boolean {
    const first = !this.#confirmed;
    this.#confirmed = true;
    return first;
  }

  /**
   * Whether the source of the authentic packet that came now is to be noted as known: at most once a second, so that no peer pushes out others by
   * sending from many.
   */
  isNoteworthy(now: Instant): boolean {
    const at = Math.floor(now);
    if (this.#noteFrom > at) return false;
    this.#noteFrom = at + NOTE_INTERVAL_MS;
    return true;
  }

  /** Whether the address lies in a network that this peer is the gateway of. */
  isBehind(address: IpAddress): boolean {
    return this.#allowedPrefixes.some((prefix) => contains(prefix, address));
  }

  /** What happened since the last call, with totals; undefined when nothing did. */
  takeActivity(): SessionActivity | undefined {
    if (!this.#hasReceived && !this.#hasSent) return undefined;
    const activity = {
      localIndex: this.localIndex,
      received: this.#hasReceived,
      sent: this.#hasSent,
      receivedPackets: BigInt(this.#receivedPackets),
      receivedBytes: BigInt(this.#receivedBytes),
      sentPackets: BigInt(this.#sentPackets),
      sentBytes: BigInt(this.#sentBytes),
      ...this.keptAnswer.takeGiven(),
    };
    this.#hasReceived = false;
    this.#hasSent = false;
    return activity;
  }

  snapshot(primary: boolean): SessionSnapshot {
    return {
      localIndex: this.localIndex,
      remoteIndex: this.remoteIndex,
      path: this.path.current,
      peerAddresses: this.peerAddresses,
      allowedPrefixes: this.#allowedPrefixes,
      confirmed: this.#confirmed,
      primary,
      sendCounter: this.#sendCounter,
      memo: this.#memo,
    };
  }
}

const NOTHING = new Uint8Array();

/** Where sessions enter themselves. */
export interface SessionSet {
  add(session: Session): void;
}
