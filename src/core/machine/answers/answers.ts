import { Pace } from "../../base/pace.ts";
import { packed, unpacked } from "../../base/packed.ts";
import { ok } from "../../base/result.ts";
import { TokenBucket } from "../../base/token-bucket.ts";
import type { Fingerprint } from "../../cert/certificate.ts";
import { isPreferred } from "../../discovery/endpoint-order.ts";
import { drawLocalIndex } from "../../handshake/local-index.ts";
import { message2BytesMax } from "../../handshake/message-bytes.ts";
import { type Unwelcome, unwelcome } from "../../handshake/peer-identity.ts";
import type { HandshakeRefusal } from "../../handshake/refusal.ts";
import { Response } from "../../handshake/response.ts";
import { turnAway } from "../../handshake/turning-away.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import { isAllowedPath } from "../../path/allowed.ts";
import type { Path, RelayedPath } from "../../path/path.ts";
import type { Place } from "../../path/place.ts";
import type { Peers } from "../../peer/peer.ts";
import { placeOf } from "../../peer/place.ts";
import { type FinishedHandshake, type Message1Hash, nameAddress, type Session } from "../../peer/session.ts";
import { HEADER_BYTES, TAG_BYTES } from "../../wire/header.ts";
import type { Facts } from "../facts.ts";
import type { CommonEvent, Emit, ProbeEvent } from "../machine.ts";
import { admit } from "./admission.ts";
import { AnswerCredit } from "./credit.ts";
import { type RefusedCaller, RefusedCallers } from "./refused-callers.ts";

export type AnswersEvent =
  | CommonEvent
  | ProbeEvent
  /** Somebody called who is not let in. */
  | { readonly kind: "caller-refused"; readonly caller: RefusedCaller }
  /** A handshake that was answered was repeated from there, and pays for a test request to it. */
  | { readonly kind: "called-again"; readonly session: Session; readonly at: Endpoint }
  /** A handshake that somebody else started is done on our side; `message2` goes out once the session is installed. */
  | {
      readonly kind: "handshake-answered";
      readonly handshake: FinishedHandshake;
      readonly to: Path;
      readonly message2: Uint8Array;
    };

export interface AnswersPorts {
  /** Whether it is not certain that this session still works: it is suspected, or nothing was heard on it for a while. */
  isInDoubt(session: Session): boolean;
  /** The host that is supposed to be at the other end of this relayed way; undefined when there is no such way. */
  farOf(path: RelayedPath): IpAddress | undefined;
  /** Something authentic has come this way. */
  provenBy(path: RelayedPath): void;
}

/** The way that a message 1 came, and what people call it. */
interface Source {
  readonly path: Path;
  readonly place: Place;
}

/** Certificates whose holders were told why they are not let in, how often one of them is, and all of them: each costs three agreements. */
const CERTIFICATES_MAX = 256;
const ONE_CERTIFICATE = { burst: 1, intervalMs: 10_000 };
const SAYINGS = { perSecond: 5, burst: 20 };

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
  readonly #refused = new RefusedCallers();
  readonly #saidWhy = new Pace<Fingerprint>(ONE_CERTIFICATE, CERTIFICATES_MAX);
  readonly #sayings = new TokenBucket(SAYINGS);

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
  message1(path: Path, datagram: Uint8Array): void {
    const { crypto, handshakeContext, clock, allowedRemotes } = this.#facts;
    const place = placeOf(path, this.#peers);
    if (place === undefined) return;
    if (!isAllowedPath(allowedRemotes, path)) {
      this.#refuse(place, unwelcome({ code: "place-not-allowed" }));
      return;
    }
    const source = { path, place };
    if (!this.#isPaid(source, datagram)) {
      this.#emit({ kind: "tell", event: { code: "handshake-deferred", endpoint: place } });
      return;
    }
    const hash = packed(crypto.sha256(datagram.subarray(HEADER_BYTES)));
    const answered = this.#peers.byMessage1(hash);
    if (answered && !isAnswerLost(answered)) {
      if (!isAllowedPath(allowedRemotes, path, answered.addresses))
        this.#refuse(place, unwelcome({ code: "place-not-allowed" }));
      else this.#answerAgain(answered, source);
      return;
    }
    const response = Response.read(handshakeContext, datagram, clock.wall);
    if (!response.ok) {
      const caller = this.#refuse(place, response.reason);
      if (caller) this.#sayWhy(caller, source, datagram);
      return;
    }
    const { value } = response;
    const refusal = this.#judge(value, path);
    if (refusal) this.#refuse(place, { refusal, shown: { head: value.peer, read: () => ok(value.peer) } });
    else this.#answer(value, source, hash);
  }

  /** Who called lately and was not let in. */
  refusedLately(): readonly RefusedCaller[] {
    return this.#refused.lately(this.#facts.now);
  }

  /** A session that we answered is asked for proof, if that is paid for. */
  probe(session: Session): void {
    if (session.path && this.#spend(session.path, PROBE_BYTES))
      this.#emit({ kind: "probe", session, pingId: undefined });
  }

  /** Whether what came from there pays for an answer. Through a relay it came from a member, and the answer goes back to that member. */
  #isPaid({ path }: Source, datagram: Uint8Array): boolean {
    if (path.kind === "relayed") return true;
    const { handshakeContext, now } = this.#facts;
    this.#credit.earn(path.endpoint, datagram.length, now);
    return this.#credit.covers(path.endpoint, message2BytesMax(handshakeContext.identity.credential), now);
  }

  #spend(path: Path, bytes: number): boolean {
    return path.kind === "relayed" || this.#credit.spend(path.endpoint, bytes, this.#facts.now);
  }

  #judge(response: Response, path: Path): HandshakeRefusal | undefined {
    const far = path.kind === "relayed" ? this.#ports.farOf(path) : undefined;
    const addresses = response.peer.addresses;
    if (path.kind === "relayed" && !addresses.some((address) => address === far))
      return { code: "wrong-relay", fingerprint: response.peer.fingerprint };
    if (!isAllowedPath(this.#facts.allowedRemotes, path, addresses)) return { code: "place-not-allowed" };
    const [name] = addresses;
    const primary = name && this.#peers.primaryOf(name);
    const standing = primary && !this.#ports.isInDoubt(primary) ? primary : undefined;
    const admission = admit(standing, response.peerTime, this.#facts.clock.wall);
    return admission === "accept" ? undefined : { code: admission, fingerprint: response.peer.fingerprint };
  }

  #answer(response: Response, { path, place }: Source, message1Hash: Message1Hash): void {
    const { entropy } = this.#facts;
    const localIndex = this.#peers.isFull ? undefined : drawLocalIndex(entropy, (index) => this.#peers.isTaken(index));
    if (localIndex === undefined) {
      this.#refuse(place, unwelcome({ code: "no-free-index" }));
      return;
    }
    const written = response.write({ localIndex, time: this.#facts.nextHandshakeTime() });
    if (!written) return;
    const { message2, keys } = written;
    if (!this.#spend(path, message2.length)) return;
    if (path.kind === "relayed") this.#ports.provenBy(path);
    const { remoteIndex, peer, peerTime, certificate } = response;
    const handshake: FinishedHandshake = {
      localIndex,
      remoteIndex,
      peer,
      peerTime,
      keys,
      certificate,
      role: { kind: "responder", message1Hash, message2: packed(message2) },
      path,
      startedAt: undefined,
    };
    this.#emit({ kind: "handshake-answered", handshake, to: path, message2 });
  }

  #answerAgain(session: Session, { path, place }: Source): void {
    // One that has proven itself has the answer.
    if (session.state.at === "unconfirmed" && session.state.answer !== undefined) {
      const datagram = unpacked(session.state.answer);
      if (!this.#spend(path, datagram.length)) return;
      this.#emit({ kind: "command", command: { kind: "send-datagram", to: path, datagram } });
      const event = { code: "handshake-repeated", address: nameAddress(session), endpoint: place } as const;
      this.#emit({ kind: "tell", event });
    }
    const { preferredRanges } = this.#facts.settings.live;
    if (path.kind === "direct" && isPreferred(path.endpoint, preferredRanges) && this.#spend(path, PROBE_BYTES))
      this.#emit({ kind: "called-again", session, at: path.endpoint });
  }

  /**
   * Whoever is out of the network has no tunnel in which it could hear why. It is told where it calls, sealed for the key of its certificate: once in a while, for
   * what its message has paid, and only if an authority that is trusted here has signed that certificate.
   */
  #sayWhy({ refusal, isProven, fingerprint }: RefusedCaller, { path }: Source, message1: Uint8Array): void {
    const { now, settings, handshakeContext } = this.#facts;
    if (refusal.code !== "revoked") return;
    if (!isProven || !settings.live.tellsPeers || !this.#saidWhy.has(fingerprint, now)) return;
    if (!this.#sayings.take(now)) return;
    this.#saidWhy.take(fingerprint, now);
    const datagram = turnAway(handshakeContext, message1, refusal);
    // No longer than what it answers, whatever else has been paid for.
    if (!datagram || datagram.length > message1.length || !this.#spend(path, datagram.length)) return;
    this.#emit({ kind: "command", command: { kind: "send-datagram", to: path, datagram } });
  }

  #refuse(from: Place, { refusal, shown }: Unwelcome): RefusedCaller | undefined {
    const { settings, now } = this.#facts;
    const caller = this.#refused.note({ refusal, shown, from }, settings.live.identity.pool, now);
    const event = { code: "handshake-refused", address: undefined, endpoint: from, refusal, claim: caller } as const;
    this.#emit({ kind: "tell", event });
    if (caller) this.#emit({ kind: "caller-refused", caller });
    return caller;
  }
}

/** Whether its peer may still wait for the answer, which another control plane has sent: the call is answered anew, and that session ends unproven. */
function isAnswerLost({ state }: Session): boolean {
  return state.at === "unconfirmed" && state.answer === undefined;
}
