import { concatBytes } from "../base/bytes.ts";
import { fail, ok, type Result } from "../base/result.ts";
import type { WallTime } from "../base/time.ts";
import type { Certificate, VerifiedCertificate } from "../cert/certificate.ts";
import { ownHandshakeForm } from "../cert/handshake-form.ts";
import type { Identity } from "../cert/identity.ts";
import type { LocalIndex, RemoteIndex } from "../dataplane/contract.ts";
import { IxResponder, type SessionKeys } from "../noise/ix.ts";
import { decodeHandshakePayload, encodeHandshakePayload } from "../wire/handshake-payload.ts";
import { encodeHeader, HEADER_BYTES, PacketType } from "../wire/header.ts";
import { ephemeralKey } from "./ephemeral.ts";
import type { HandshakeContext } from "./initiation.ts";
import { identifyPeer, type Unwelcome, unwelcome } from "./peer-identity.ts";

/**
 * One handshake that we answer (protocol 3.6), in two steps: `read` says who claims to call, which costs at most one signature check;
 * `write` makes the answer, which costs a key and the agreements. Whether to go from one to the other is for the caller to decide.
 *
 * A read message 1 proves nothing: it is clear text and can be forged by anybody who has seen the certificate (reliability R10).
 */
export class Response {
  readonly peer: VerifiedCertificate;
  readonly remoteIndex: RemoteIndex;
  /** The initiator's clock, nanoseconds. */
  readonly peerTime: bigint;
  /** Our certificate that message 2 will carry. */
  readonly certificate: Certificate;
  readonly #context: HandshakeContext;
  readonly #noise: IxResponder;

  static read(context: HandshakeContext, datagram: Uint8Array, at: WallTime): Result<Response, Unwelcome> {
    const { crypto, identity, cipher } = context;
    const { curve, key } = identity.credential;
    const noise = new IxResponder({ suite: crypto, curve, cipher, staticKey: key });
    const read = noise.readMessage1(datagram.subarray(HEADER_BYTES));
    if (!read.ok) return fail(unwelcome({ code: "unreadable", message: 1, why: read.reason }));
    const payload = decodeHandshakePayload(read.value.payload);
    if (!payload.ok) return fail(unwelcome({ code: "bad-payload", message: 1, why: payload.reason }));
    if (payload.value.initiatorIndex === 0) return fail(unwelcome({ code: "bad-payload", message: 1, why: undefined }));
    const peer = identifyPeer(crypto, identity, payload.value, read.value.remoteStatic, at);
    if (!peer.ok) return peer;
    const certificate = answeringCertificate(identity, peer.value);
    if (!certificate) return fail(unwelcome({ code: "bad-certificate", why: undefined }));
    return ok(new Response(context, noise, peer.value, payload.value, certificate));
  }

  private constructor(
    context: HandshakeContext,
    noise: IxResponder,
    peer: VerifiedCertificate,
    payload: { readonly initiatorIndex: number; readonly time: bigint },
    certificate: Certificate,
  ) {
    this.#context = context;
    this.#noise = noise;
    this.peer = peer;
    this.remoteIndex = payload.initiatorIndex as RemoteIndex;
    this.peerTime = payload.time;
    this.certificate = certificate;
  }

  /** The datagram of message 2 and the keys of the session; undefined when no ephemeral key could be drawn. */
  write(options: {
    readonly localIndex: LocalIndex;
    readonly time: bigint;
  }): { readonly message2: Uint8Array; readonly keys: SessionKeys } | undefined {
    const { crypto, entropy, identity } = this.#context;
    const ephemeral = ephemeralKey(crypto, identity.credential.curve, entropy);
    if (!ephemeral) return undefined;
    const payload = encodeHandshakePayload({
      certificate: ownHandshakeForm(this.certificate),
      certificateVersion: this.certificate.version,
      initiatorIndex: this.remoteIndex,
      responderIndex: options.localIndex,
      time: options.time,
    });
    const { message, keys } = this.#noise.writeMessage2(payload, ephemeral);
    const header = encodeHeader({ type: PacketType.handshake, subtype: 0, remoteIndex: this.remoteIndex, counter: 2n });
    return { message2: concatBytes(header, message), keys };
  }
}

/** Ours of the version that was offered, else the one we start handshakes with (protocol 3.6.5). */
function answeringCertificate(identity: Identity, peer: VerifiedCertificate): Certificate | undefined {
  const { certificates } = identity.credential;
  return certificates[peer.version] ?? certificates[identity.initiatingVersion];
}
