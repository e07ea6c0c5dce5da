import { concatBytes } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { fail, ok, type Result } from "../base/result.ts";
import type { AgreementKey, Cipher, CryptoSuite, Curve, KeyAgreement } from "../crypto/suite.ts";
import { TAG_BYTES } from "../wire/header.ts";
import { SymmetricState } from "./symmetric-state.ts";

// Noise IX, no PSK, empty prologue, SHA-256 (protocol 3.1):
//
//   -> e, s, payload
//   <- e, ee, se, s, es, payload
//
// Message 1 is clear text throughout and proves nothing (reliability R10). The messages here are without Nebula's 16-byte header, which
// Noise does not authenticate.

/** What both roles start with. The key is of `curve`. */
export interface IxSetting {
  readonly suite: CryptoSuite;
  readonly curve: Curve;
  readonly cipher: Cipher;
  readonly staticKey: AgreementKey;
}

/** What the side that calls starts with: its ephemeral key as well, fresh for every handshake. */
export interface IxKeys extends IxSetting {
  readonly ephemeralKey: AgreementKey;
}

/** AEAD keys of the session, 32 bytes each, used as they are (protocol 2.1). */
export interface SessionKeys {
  readonly initiatorToResponder: Uint8Array;
  readonly responderToInitiator: Uint8Array;
}

/** What a message said, and who says it holds the key. */
export interface IxMessage {
  readonly payload: Uint8Array;
  readonly remoteStatic: Uint8Array;
}

/** The side that calls: writes message 1 once, then reads until a message 2 is good. */
export class IxInitiator {
  readonly #keys: IxKeys;
  readonly #agreement: KeyAgreement;
  readonly #symmetric: SymmetricState;

  constructor(keys: IxKeys) {
    this.#keys = keys;
    this.#agreement = agreementOf(keys);
    this.#symmetric = initialState(keys);
  }

  writeMessage1(payload: Uint8Array): Uint8Array {
    const { ephemeralKey, staticKey } = this.#keys;
    this.#symmetric.mixHash(ephemeralKey.publicKey);
    this.#symmetric.mixHash(staticKey.publicKey);
    return concatBytes(ephemeralKey.publicKey, staticKey.publicKey, this.#symmetric.encryptAndHash(payload));
  }

  /** Reads message 2. A message that fails leaves everything as it was: the next one may be the right one. */
  readMessage2(bytes: Uint8Array): Result<IxMessage & { readonly keys: SessionKeys }, string> {
    const { ephemeralKey, staticKey } = this.#keys;
    const keyBytes = this.#agreement.publicKeyBytes;
    if (bytes.length < 2 * keyBytes + 2 * TAG_BYTES) return fail("message 2 is too short");
    const symmetric = this.#symmetric.clone();

    const remoteEphemeral = bytes.subarray(0, keyBytes);
    symmetric.mixHash(remoteEphemeral);
    const ee = ephemeralKey.agree(remoteEphemeral);
    const se = ee && staticKey.agree(remoteEphemeral);
    if (!ee || !se) return fail("the ephemeral key of message 2 is not usable");
    symmetric.mixKey(ee);
    symmetric.mixKey(se);

    const remoteStatic = symmetric.decryptAndHash(bytes.subarray(keyBytes, 2 * keyBytes + TAG_BYTES));
    if (!remoteStatic) return fail("the static key of message 2 does not decrypt: forged, or another cipher");
    const es = ephemeralKey.agree(remoteStatic);
    if (!es) return fail("the static key of message 2 is not usable");
    symmetric.mixKey(es);

    const payload = symmetric.decryptAndHash(bytes.subarray(2 * keyBytes + TAG_BYTES));
    if (!payload) return fail("the payload of message 2 does not decrypt");
    return ok({ payload, remoteStatic, keys: sessionKeys(symmetric) });
  }
}

/** The side that answers: reads one message 1, and writes one message 2 if the caller likes what it read. */
export class IxResponder {
  readonly #setting: IxSetting;
  readonly #agreement: KeyAgreement;
  #remote: { readonly ephemeral: Uint8Array; readonly static: Uint8Array; readonly payload: Uint8Array } | undefined;

  constructor(setting: IxSetting) {
    this.#setting = setting;
    this.#agreement = agreementOf(setting);
  }

  /** Reads message 1. Nothing is agreed and nothing hashed yet: the caller judges the certificate first. */
  readMessage1(bytes: Uint8Array): Result<IxMessage, string> {
    if (this.#remote) throw new Fault("noise-order", "an IxResponder reads one message 1");
    const keyBytes = this.#agreement.publicKeyBytes;
    if (bytes.length < 2 * keyBytes) return fail("message 1 is too short");
    const ephemeral = bytes.slice(0, keyBytes);
    const remoteStatic = bytes.slice(keyBytes, 2 * keyBytes);
    if (!this.#agreement.accepts(ephemeral)) return fail("the ephemeral key of message 1 is not usable");
    if (!this.#agreement.accepts(remoteStatic)) return fail("the static key of message 1 is not usable");

    const payload = bytes.slice(2 * keyBytes);
    this.#remote = { ephemeral, static: remoteStatic, payload };
    return ok({ payload, remoteStatic });
  }

  /**
   * Writes message 2 and hands out the keys of the session. Only after a good message 1. The ephemeral key, fresh for every handshake, is
   * asked for only here: a message 1 that is not answered does not cost one.
   */
  writeMessage2(
    payload: Uint8Array,
    ephemeralKey: AgreementKey,
  ): { readonly message: Uint8Array; readonly keys: SessionKeys } {
    const { staticKey } = this.#setting;
    if (!this.#remote) throw new Fault("noise-order", "an IxResponder writes message 2 after a good message 1");
    const symmetric = initialState(this.#setting);
    symmetric.mixHash(this.#remote.ephemeral);
    symmetric.mixHash(this.#remote.static);
    symmetric.mixHash(this.#remote.payload);

    symmetric.mixHash(ephemeralKey.publicKey);
    symmetric.mixKey(agreed(ephemeralKey, this.#remote.ephemeral));
    symmetric.mixKey(agreed(ephemeralKey, this.#remote.static));
    const encryptedStatic = symmetric.encryptAndHash(staticKey.publicKey);
    symmetric.mixKey(agreed(staticKey, this.#remote.ephemeral));
    const encryptedPayload = symmetric.encryptAndHash(payload);
    return {
      message: concatBytes(ephemeralKey.publicKey, encryptedStatic, encryptedPayload),
      keys: sessionKeys(symmetric),
    };
  }
}

/** The protocol's name, by curve and cipher. "psk0" in Nebula's name of the subtype means nothing (protocol 13.1). */
function protocolName(curve: Curve, cipher: Cipher): string {
  return `Noise_IX_${curve === "P256" ? "P256" : "25519"}_${cipher === "aes" ? "AESGCM" : "ChaChaPoly"}_SHA256`;
}

function initialState({ suite, curve, cipher }: IxSetting): SymmetricState {
  const symmetric = new SymmetricState(suite, cipher, protocolName(curve, cipher));
  // The empty prologue is mixed in all the same.
  symmetric.mixHash(new Uint8Array());
  return symmetric;
}

function agreementOf({ suite, curve }: IxSetting): KeyAgreement {
  const agreement = suite.agreement(curve);
  if (!agreement)
    throw new Fault("no-key-agreement", "the crypto suite has no key agreement on this curve", {
      suite: suite.name,
      curve,
    });
  return agreement;
}

/** A key that `accepts` has let through always agrees. */
function agreed(key: AgreementKey, peerPublicKey: Uint8Array): Uint8Array {
  const secret = key.agree(peerPublicKey);
  if (!secret) throw new Fault("no-shared-secret", "a public key was accepted that does not agree");
  return secret;
}

function sessionKeys(symmetric: SymmetricState): SessionKeys {
  const [initiatorToResponder, responderToInitiator] = symmetric.split();
  return { initiatorToResponder, responderToInitiator };
}
