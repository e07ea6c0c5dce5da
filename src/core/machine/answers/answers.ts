import { toHex } from "../../base/bytes.ts";
import { drawLocalIndex } from "../../handshake/local-index.ts";
import type { HandshakeRefusal } from "../../handshake/refusal.ts";
import { Response } from "../../handshake/response.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import { directPath } from "../../path/path.ts";
import type { Peers } from "../../peer/peer.ts";
import { type FinishedHandshake, nameAddress, type Session } from "../../peer/session.ts";
import { HEADER_BYTES } from "../../wire/header.ts";
import type { Facts } from "../facts.ts";
import type { CommonEvent, Emit, ProbeEvent } from "../machine.ts";
import { admit } from "./admission.ts";

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
  /** Whether there is doubt about this session. */
  isSuspect(session: Session): boolean;
}

/** Handshakes that others start (protocol 3.6). */
export class Answers {
  readonly #facts: Facts;
  readonly #peers: Peers;
  readonly #ports: AnswersPorts;
  readonly #emit: Emit<AnswersEvent>;

  constructor(facts: Facts, peers: Peers, ports: AnswersPorts, emit: Emit<AnswersEvent>) {
    this.#facts = facts;
    this.#peers = peers;
    this.#ports = ports;
    this.#emit = emit;
  }

  /**
   * A message 1, in the order of cost: one that was answered before gets the same answer again, which takes one hash; then the
   * certificate is checked; the key agreements come last.
   */
  message1(source: Endpoint, datagram: Uint8Array): void {
    const { crypto, handshakeContext, clock } = this.#facts;
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

  #judge(response: Response): HandshakeRefusal | undefined {
    const [name] = response.peer.networks;
    const primary = name && this.#peers.primaryOf(name.address);
    const standing = primary && { ...primary, isSuspect: this.#ports.isSuspect(primary) };
    const admission = admit(standing, response.peerTime, this.#facts.clock.wall);
    if (admission === "accept") return undefined;
    // Perhaps the peer does not have it any more: then it will be in doubt, and order nothing.
    if (primary) this.#emit({ kind: "probe", session: primary, pingId: undefined });
    return { code: admission, fingerprint: response.peer.fingerprint };
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
    this.#emit({ kind: "command", command: { kind: "send-datagram", to: directPath(source), datagram } });
    const event = { code: "handshake-repeated", address: nameAddress(session), endpoint: source } as const;
    this.#emit({ kind: "tell", event });
  }

  #refuse(source: Endpoint, refusal: HandshakeRefusal): void {
    const event = { code: "handshake-refused", address: undefined, endpoint: source, refusal } as const;
    this.#emit({ kind: "tell", event });
  }
}
