import { concatBytes } from "../../../src/core/base/bytes.ts";
import type { Certificate } from "../../../src/core/cert/certificate.ts";
import type { Credential } from "../../../src/core/cert/credential.ts";
import { toHandshakeForm } from "../../../src/core/cert/handshake-form.ts";
import type { Cipher, CryptoSuite } from "../../../src/core/crypto/suite.ts";
import { type IxKeys, IxResponder, type SessionKeys } from "../../../src/core/noise/ix.ts";
import { decodeHandshakePayload, encodeHandshakePayload } from "../../../src/core/wire/handshake-payload.ts";
import { decodeHeader, encodeHeader, HEADER_BYTES, PacketType } from "../../../src/core/wire/header.ts";
import { WORLD_EPOCH_NS } from "../world/host.ts";
import type { Random } from "../world/random.ts";

/** What somebody needs who answers calls that were meant for others. */
export interface Impostor {
  readonly suite: CryptoSuite;
  readonly cipher: Cipher;
  /** Its key, and the certificate that it shows. */
  readonly credential: Credential;
  readonly random: Random;
}

/** A good message 2 of the wrong host. */
export interface FalseAnswer {
  readonly datagram: Uint8Array;
  readonly keys: SessionKeys;
  /** Of the caller, from its message 1. */
  readonly callerKey: Uint8Array;
}

/** Answers a message 1 that was meant for somebody else; undefined when it is none. */
export function answerInstead(impostor: Impostor, message1: Uint8Array, now: number): FalseAnswer | undefined {
  const header = decodeHeader(message1);
  if (!header.ok || header.value.type !== PacketType.handshake || header.value.counter !== 1n) return undefined;
  const keys = keysOf(impostor);
  const responder = new IxResponder(keys);
  const first = responder.readMessage1(message1.subarray(HEADER_BYTES));
  const payload = first.ok ? decodeHandshakePayload(first.value.payload) : undefined;
  if (!first.ok || !payload?.ok) return undefined;
  const { initiatorIndex } = payload.value;
  const answer = payloadOf(impostor, { initiatorIndex, responderIndex: drawIndex(impostor.random), now });
  const written = responder.writeMessage2(answer, keys.ephemeralKey);
  const second = encodeHeader({ type: PacketType.handshake, subtype: 0, remoteIndex: initiatorIndex, counter: 2n });
  return { datagram: concatBytes(second, written.message), keys: written.keys, callerKey: first.value.remoteStatic };
}

export function keysOf({ suite, cipher, credential, random }: Impostor): IxKeys {
  const ephemeralKey = suite.agreement(credential.curve)?.load(random.bytes(32));
  if (!ephemeralKey) throw new Error("the suite has no key agreement on this curve");
  return { suite, curve: credential.curve, cipher, staticKey: credential.key, ephemeralKey };
}

export function payloadOf(
  { credential }: Impostor,
  { now, ...indexes }: { readonly initiatorIndex: number; readonly responderIndex: number; readonly now: number },
): Uint8Array {
  const certificate = Object.values<Certificate>(credential.certificates)[0];
  if (!certificate) throw new Error("a credential has a certificate");
  const form = { certificate: toHandshakeForm(certificate), certificateVersion: certificate.version };
  return encodeHandshakePayload({ ...form, ...indexes, time: WORLD_EPOCH_NS + BigInt(now) * 1_000_000n });
}

export function drawIndex(random: Random): number {
  return (random.word() | 1) >>> 0;
}
