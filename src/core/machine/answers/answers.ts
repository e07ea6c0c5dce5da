import { toHex } from "../../base/bytes.ts";
import { drawLocalIndex } from "../../handshake/local-index.ts";
import { message2BytesMax } from "../../handshake/message-bytes.ts";
import type { HandshakeRefusal } from "../../handshake/refusal.ts";
import { Response } from "../../handshake/response.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import { directPath, endpointOf } from "../../path/path.ts";
import type { Peers } from "../../peer/peer.ts";
import { type FinishedHandshake, nameAddress, type Session } from "../../peer/session.ts";
import { HEADER_BYTES, TAG_BYTES } from "../../wire/header.ts";
import type { Facts } from "../facts.ts";
import type { CommonEvent, Emit, ProbeEvent } from "../machine.ts";
import { admit } from "./admission.ts";
import { AnswerCredit } from "./credit.ts";

export type AnswersEvent =
  | CommonEvent
  | ProbeEvent
  /** A handshake that somebody else started is done on our side; `message2` goes out once the session is installed. */
  | {
      readonly kind: "handshake-answered";
      readonly handshake: FinishedHandshake;
      readonly to: Endpoint;
      readonly message2: Uint8Array;
    };

export interface AnswersPorts {
  /** Whether it is not certain that this session still works: it is suspected, or nothing was heard on it for a while. */
  isInDoubt(session: Session): boolean;
}

/** A test request without a body. */
const PROBE_BYTES = HEADER_BYTES + TAG_BYTES;

/**
 * Handshakes that others start (protocol 3.6). Whatever is sent because of them is paid for by what came from there (see credit.ts).
 */
export class Answers {
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #ports: AnswersPorts;
  readonly #emit: Emit<AnswersEvent>;
  readonly #credit = new AnswerCredit();

  constructor(facts: Facts, peers: Peers, ports: AnswersPorts, emit: Emit<AnswersEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#ports = ports;
    this.#emit = emit;
  }

  /**
   * A message 1, in the order of cost: one that does not pay for an answer is not looked at before its repetition does; one that was answered
   * before gets the same answer again, which takes one hash; then the certificate is checked; the key agreements come last.
   */
  message1(source: Endpoint, datagram: Uint8Array): void {
    const { crypto, handshakeContext, clock, now } = this.#facts;
    this.#credit.earn(source, datagram.length, now);
    if (!this.#credit.covers(source, message2BytesMax(handshakeContext.identity.credential), now)) {
      this.#emit({ kind: "tell", event: { code: "handshake-deferred", endpoint: source } });
      return;
    }
    const hash = toHex(crypto.sha256(datagram.subarray(HEADER_BYTES)));
    const answered = this.#peers.byMessage1(hash);
    if (answered) {
      this.#answerAgain(answered, source);
      return;
    }
    const response = Response.read(handshakeContext, datagram, clock.wall);
    const refusal = response.ok ? this.#judge(response.value) : response.reason;
    if (refusal) this.#refuse(source, refusal);
    else if (response.ok) this.#answer(response.value, source, hash);
  }

  /** A session that we answered is asked for proof, if that is paid for. */
  probe(session: Session): void {
    const at = endpointOf(session.path);
    if (at && this.#credit.spend(at, PROBE_BYTES, this.#facts.now))
      this.#emit({ kind: "probe", session, pingId: undefined });
  }

  #judge(response: Response): HandshakeRefusal | undefined {
    const [name] = response.peer.networks;
    const primary = name && this.#peers.primaryOf(name.address);
    const standing = primary && !this.#ports.isInDoubt(primary) ? primary : undefined;
    const admission = admit(standing, response.peerTime, this.#facts.clock.wall);
    return admission === "accept" ? undefined : { code: admission, fingerprint: response.peer.fingerprint };
  }

  #answer(response: Response, source: Endpoint, message1Hash: string): void {
    const { entropy } = this.#facts;
    const localIndex = this.#peers.isFull ? undefined : drawLocalIndex(entropy, (index) => this.#peers.isTaken(index));
    if (localIndex === undefined) {
      this.#refuse(source, { code: "no-free-index" });
      return;
    }
    const written = response.write({ localIndex, time: this.#facts.nextHandshakeTime() });
    if (!written) return;
    const { message2, keys } = written;
    if (!this.#credit.spend(source, message2.length, this.#facts.now)) return;
    const { remoteIndex, peer, peerTime, certificate } = response;
    const handshake: FinishedHandshake = {
      localIndex,
      remoteIndex,
      peer,
      peerTime,
      keys,
      certificate,
      role: { kind: "responder", message1Hash, message2 },
      path: directPath(source),
      startedAt: undefined,
    };
    this.#emit({ kind: "handshake-answered", handshake, to: source, message2 });
  }

  #answerAgain(session: Session, source: Endpoint): void {
    if (session.role.kind !== "responder") return;
    const datagram = session.role.message2;
    if (!this.#credit.spend(source, datagram.length, this.#facts.now)) return;
    this.#emit({ kind: "command", command: { kind: "send-datagram", to: directPath(source), datagram } });
    const event = { code: "handshake-repeated", address: nameAddress(session), endpoint: source } as const;
    this.#emit({ kind: "tell", event });
  }

  #refuse(source: Endpoint, refusal: HandshakeRefusal): void {
    const event = { code: "handshake-refused", address: undefined, endpoint: source, refusal } as const;
    this.#emit({ kind: "tell", event });
  }
}
