import { concatBytes } from "../base/bytes.ts";
import type { Entropy } from "../base/entropy.ts";
import type { WallTime } from "../base/time.ts";
import type { Certificate, CertificateVersion, VerifiedCertificate } from "../cert/certificate.ts";
import { ownHandshakeForm } from "../cert/handshake-form.ts";
import type { Identity } from "../cert/identity.ts";
import type { Cipher, CryptoSuite } from "../crypto/suite.ts";
import type { LocalIndex, RemoteIndex } from "../dataplane/contract.ts";
import { IxInitiator, type SessionKeys } from "../noise/ix.ts";
import { decodeHandshakePayload, encodeHandshakePayload, type HandshakePayload } from "../wire/handshake-payload.ts";
import { encodeHeader, HEADER_BYTES, PacketType } from "../wire/header.ts";
import { decodeTurnedAway } from "../wire/turned-away-payload.ts";
import { ephemeralKey } from "./ephemeral.ts";
import { filledBytes } from "./message-bytes.ts";
import { identifyPeer, type Unwelcome, unwelcome } from "./peer-identity.ts";

/** What both ends of a handshake need to know about this host. */
export interface HandshakeContext {
  readonly crypto: CryptoSuite;
  readonly entropy: Entropy;
  readonly identity: Identity;
  readonly cipher: Cipher;
}

/** What came of a message 2. None of these spends the initiation: another message 2 may be better. */
export type Message2Outcome =
  /** Forged, damaged, or of another cipher: the handshake goes on waiting (protocol 3.3). */
  | { readonly kind: "unreadable" }
  /** The Noise message was good, its sender is not. */
  | ({ readonly kind: "refused" } & Unwelcome)
  /** A host that is one of us does not let us in, and says why. Whether it is the one we called is for the caller to check. */
  | {
      readonly kind: "turned-away";
      readonly peer: VerifiedCertificate;
      readonly code: string;
      /** A clause, in its words. */
      readonly text: string;
    }
  /** Whether the peer is the one we called is for the caller to check. */
  | {
      readonly kind: "answered";
      readonly peer: VerifiedCertificate;
      readonly remoteIndex: RemoteIndex;
      readonly keys: SessionKeys;
      /** The responder's clock, nanoseconds. */
      readonly peerTime: bigint;
    };

/** One handshake that we start: message 1, built once and repeated byte for byte, and the reading of message 2 (protocol 3.7). */
export class Initiation {
  readonly localIndex: LocalIndex;
  /** Our certificate that message 1 carries. */
  readonly certificate: Certificate;
  /** The whole datagram, header included. */
  readonly message1: Uint8Array;
  readonly #crypto: CryptoSuite;
  readonly #noise: IxInitiator;

  /** Undefined when we hold no certificate of this version or no ephemeral key could be drawn. */
  static begin(
    context: HandshakeContext,
    options: { readonly version: CertificateVersion; readonly localIndex: LocalIndex; readonly time: bigint },
  ): Initiation | undefined {
    const certificate = context.identity.credential.certificates[options.version];
    if (!certificate) return undefined;
    const ephemeral = ephemeralKey(context.crypto, context.identity.credential.curve, context.entropy);
    if (!ephemeral) return undefined;
    const noise = new IxInitiator({
      suite: context.crypto,
      curve: context.identity.credential.curve,
      cipher: context.cipher,
      staticKey: context.identity.credential.key,
      ephemeralKey: ephemeral,
    });
    return new Initiation(context, certificate, noise, options);
  }

  private constructor(
    context: HandshakeContext,
    certificate: Certificate,
    noise: IxInitiator,
    options: { readonly localIndex: LocalIndex; readonly time: bigint },
  ) {
    this.#crypto = context.crypto;
    this.#noise = noise;
    this.certificate = certificate;
    this.localIndex = options.localIndex;
    const said: HandshakePayload = {
      certificate: ownHandshakeForm(certificate),
      certificateVersion: certificate.version,
      initiatorIndex: options.localIndex,
      responderIndex: 0,
      time: options.time,
    };
    const beforeBytes = HEADER_BYTES + 2 * context.identity.credential.key.publicKey.length;
    const bytes = beforeBytes + encodeHandshakePayload(said).length;
    const payload = encodeHandshakePayload(said, filledBytes(bytes) - beforeBytes);
    const header = encodeHeader({ type: PacketType.handshake, subtype: 0, remoteIndex: 0, counter: 1n });
    this.message1 = concatBytes(header, noise.writeMessage1(payload));
  }

  /** Reads the datagram of a message 2 that came for our index. Trust is that of now: it may have changed since message 1. */
  readMessage2(datagram: Uint8Array, trust: Identity, at: WallTime): Message2Outcome {
    const read = this.#noise.readMessage2(datagram.subarray(HEADER_BYTES));
    if (!read.ok) return { kind: "unreadable" };
    const said = decodeTurnedAway(read.value.payload);
    if (said) {
      const teller = identifyPeer(this.#crypto, trust, said, read.value.remoteStatic, at);
      const { code, text } = said;
      return teller.ok
        ? { kind: "turned-away", peer: teller.value, code, text }
        : { kind: "refused", ...teller.reason };
    }
    const payload = decodeHandshakePayload(read.value.payload);
    if (!payload.ok) return { kind: "refused", ...unwelcome({ code: "bad-payload", message: 2, why: payload.reason }) };
    if (payload.value.responderIndex === 0)
      return { kind: "refused", ...unwelcome({ code: "bad-payload", message: 2, why: undefined }) };
    const peer = identifyPeer(this.#crypto, trust, payload.value, read.value.remoteStatic, at);
    if (!peer.ok) return { kind: "refused", ...peer.reason };
    return {
      kind: "answered",
      peer: peer.value,
      remoteIndex: payload.value.responderIndex as RemoteIndex,
      keys: read.value.keys,
      peerTime: payload.value.time,
    };
  }
}
