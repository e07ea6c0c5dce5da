import { gcm } from "@noble/ciphers/aes.js";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import nacl from "tweetnacl";
import { concatBytes } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { Secret } from "../base/secret.ts";
import { isEcdsaSignature } from "./ecdsa-signature.ts";
import { checkedNonce } from "./nonce.ts";
import { orUndefined } from "./or-undefined.ts";
import { CURVE25519_KEY_BYTES, isEd25519PublicKey, isX25519PublicKey } from "./public-keys.ts";
import type { Aead, AgreementKey, Cipher, CryptoSuite, KeyAgreement, SignatureScheme, SigningKey } from "./suite.ts";

// Who does what: tweetnacl multiplies on Curve25519 in fixed-size arithmetic, whose time does not follow the private key, and is twice as
// fast there as noble's big integers. noble signs and verifies: tweetnacl's `verify` does not ask for S < L, which would give every
// signature a second form.

/** The suite in JavaScript alone: the CA tool, browsers, and the oracle that tests hold against the daemon's suite. */
export const portableSuite: CryptoSuite = {
  name: "portable",
  sha256: (...parts) => sha256(parts.length === 1 && parts[0] ? parts[0] : concatBytes(...parts)),
  hmacSha256: (key, ...parts) => hmac(sha256, key, concatBytes(...parts)),
  aead: (cipher, key) => new PortableAead(cipher, key),
  agreement: (curve) => (curve === "P256" ? p256Agreement : x25519Agreement),
  signature: (curve) => (curve === "P256" ? p256Signature : ed25519Signature),
};

class PortableAead implements Aead {
  readonly #make: typeof gcm | typeof chacha20poly1305;
  readonly #key: Secret;

  constructor(cipher: Cipher, key: Uint8Array) {
    if (key.length !== 32) throw new Fault("aead-key-length", "an AEAD key has 32 bytes", { bytes: key.length });
    this.#make = cipher === "aes" ? gcm : chacha20poly1305;
    this.#key = new Secret(key.slice());
  }

  seal(nonce: Uint8Array, associatedData: Uint8Array, plaintext: Uint8Array): Uint8Array {
    return this.#make(this.#key.expose(), checkedNonce(nonce), associatedData).encrypt(plaintext);
  }

  sealBehind(nonce: Uint8Array, header: Uint8Array, plaintext: Uint8Array): Uint8Array {
    return concatBytes(header, this.seal(nonce, header, plaintext));
  }

  open(nonce: Uint8Array, associatedData: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
    const cipher = this.#make(this.#key.expose(), checkedNonce(nonce), associatedData);
    return orUndefined(() => cipher.decrypt(ciphertext));
  }
}

const x25519Agreement: KeyAgreement = {
  publicKeyBytes: CURVE25519_KEY_BYTES,
  load: (privateKey) => (privateKey.length === CURVE25519_KEY_BYTES ? new X25519Key(privateKey) : undefined),
  accepts: isX25519PublicKey,
};

class X25519Key implements AgreementKey {
  readonly publicKey: Uint8Array;
  readonly #privateKey: Secret;

  constructor(privateKey: Uint8Array) {
    this.#privateKey = new Secret(privateKey.slice());
    this.publicKey = nacl.scalarMult.base(privateKey);
  }

  agree(peerPublicKey: Uint8Array): Uint8Array | undefined {
    if (!isX25519PublicKey(peerPublicKey)) return undefined;
    const shared = nacl.scalarMult(this.#privateKey.expose(), peerPublicKey);
    return shared.some((byte) => byte !== 0) ? shared : undefined;
  }
}

const p256Agreement: KeyAgreement = {
  publicKeyBytes: 65,
  load: (privateKey) => (p256.utils.isValidSecretKey(privateKey) ? new P256AgreementKey(privateKey) : undefined),
  accepts: isP256PublicKey,
};

class P256AgreementKey implements AgreementKey {
  readonly publicKey: Uint8Array;
  readonly #privateKey: Secret;

  constructor(privateKey: Uint8Array) {
    this.#privateKey = new Secret(privateKey.slice());
    this.publicKey = p256.getPublicKey(privateKey, false);
  }

  agree(peerPublicKey: Uint8Array): Uint8Array | undefined {
    if (!isP256PublicKey(peerPublicKey)) return undefined;
    // The shared point in compressed form is a sign byte and the X coordinate (protocol 3.2).
    return orUndefined(() => p256.getSharedSecret(this.#privateKey.expose(), peerPublicKey, true).slice(1));
  }
}

const ed25519Signature: SignatureScheme = {
  load: (seed) => (seed.length === CURVE25519_KEY_BYTES ? new Ed25519Key(seed) : undefined),
  verify: (publicKey, message, signature) =>
    isEd25519PublicKey(publicKey) &&
    signature.length === 64 &&
    orUndefined(() => ed25519.verify(signature, message, publicKey, { zip215: false })) === true,
};

class Ed25519Key implements SigningKey {
  readonly publicKey: Uint8Array;
  readonly #seed: Secret;

  constructor(seed: Uint8Array) {
    this.#seed = new Secret(seed.slice());
    this.publicKey = ed25519.getPublicKey(seed);
  }

  sign(message: Uint8Array): Uint8Array {
    return ed25519.sign(message, this.#seed.expose());
  }
}

const p256Signature: SignatureScheme = {
  load: (privateKey) => (p256.utils.isValidSecretKey(privateKey) ? new P256SigningKey(privateKey) : undefined),
  verify: (publicKey, message, signature) =>
    isP256PublicKey(publicKey) &&
    isEcdsaSignature(signature) &&
    orUndefined(() => p256.verify(signature, message, publicKey, { format: "der", lowS: false })) === true,
};

class P256SigningKey implements SigningKey {
  readonly publicKey: Uint8Array;
  readonly #privateKey: Secret;

  constructor(privateKey: Uint8Array) {
    this.#privateKey = new Secret(privateKey.slice());
    this.publicKey = p256.getPublicKey(privateKey, false);
  }

  sign(message: Uint8Array): Uint8Array {
    return p256.sign(message, this.#privateKey.expose(), { format: "der", lowS: true });
  }
}

function isP256PublicKey(publicKey: Uint8Array): boolean {
  return publicKey.length === 65 && publicKey[0] === 4 && p256.utils.isValidPublicKey(publicKey, false);
}
