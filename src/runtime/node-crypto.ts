import crypto, { type KeyObject } from "node:crypto";
import type { Entropy } from "../core/base/entropy.ts";
import { Fault } from "../core/base/fault.ts";
import { LruMap } from "../core/base/lru.ts";
import { isEcdsaSignature, lowSignatureForm } from "../core/crypto/ecdsa-signature.ts";
import { checkedNonce, NONCE_BYTES } from "../core/crypto/nonce.ts";
import { orUndefined } from "../core/crypto/or-undefined.ts";
import { CURVE25519_KEY_BYTES, isEd25519PublicKey, isX25519PublicKey } from "../core/crypto/public-keys.ts";
import type {
  Aead,
  AgreementKey,
  Cipher,
  CryptoSuite,
  KeyAgreement,
  SignatureScheme,
  SigningKey,
} from "../core/crypto/suite.ts";
import { TAG_BYTES } from "../core/wire/header.ts";
import { hmacSha256, sha256 } from "./node-hash.ts";

/** OpenSSL through node:crypto: the commands' suite, and a daemon's without the Rust library (crypto/daemon-suite.ts), thirty times faster at key agreement than JavaScript. */
export const nodeSuite: CryptoSuite = {
  name: "openssl",
  sha256,
  hmacSha256,
  aead: (cipher, key) => new NodeAead(cipher, key),
  agreement: (curve) => (curve === "P256" ? p256Agreement : x25519Agreement),
  signature: (curve) => (curve === "P256" ? p256Signature : ed25519Signature),
};

/** Asked for at once: a handshake wants bytes three times, and each question costs as much as all of them. */
const DRAWN_BYTES = 1024;

/** The operating system's random generator. Each byte is given once, and no copy of it is kept. */
class OsEntropy implements Entropy {
  readonly #drawn = new Uint8Array(DRAWN_BYTES);
  #given = DRAWN_BYTES;

  bytes(length: number): Uint8Array {
    if (length > DRAWN_BYTES) return plain(crypto.randomBytes(length));
    if (this.#given + length > DRAWN_BYTES) {
      crypto.randomFillSync(this.#drawn);
      this.#given = 0;
    }
    const from = this.#given;
    this.#given += length;
    const given = this.#drawn.slice(from, this.#given);
    this.#drawn.fill(0, from, this.#given);
    return given;
  }
}

export const osEntropy: Entropy = new OsEntropy();

/** A fresh key for TLS on P-256: PEM, the public half as a SubjectPublicKeyInfo, and its signature (ECDSA with SHA-256). */
export function signingKey(): {
  readonly pem: string;
  readonly publicKey: Uint8Array;
  readonly sign: (bytes: Uint8Array) => Uint8Array;
} {
  const { privateKey, publicKey } = crypto.generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    pem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicKey: plain(publicKey.export({ type: "spki", format: "der" })),
    sign: (bytes) => plain(crypto.sign("sha256", bytes, privateKey)),
  };
}

/** For `secureOptions` of a TLS server that remembers no sessions. */
export const NO_TLS_TICKETS: number = crypto.constants.SSL_OP_NO_TICKET;

const AEAD_NAME = { aes: "aes-256-gcm", chachapoly: "chacha20-poly1305" } as const;

class NodeAead implements Aead {
  readonly #algorithm: "aes-256-gcm" | "chacha20-poly1305";
  /** Not a KeyObject, which takes a kilobyte. A lighthouse has two keys for each of thousands of hosts. */
  readonly #key: Uint8Array;

  constructor(cipher: Cipher, key: Uint8Array) {
    if (key.length !== KEY_BYTES) throw new Fault("aead-key-length", "an AEAD key has 32 bytes", { bytes: key.length });
    this.#algorithm = AEAD_NAME[cipher];
    this.#key = key;
  }

  seal(nonce: Uint8Array, associatedData: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const sealed = new Uint8Array(plaintext.length + TAG_BYTES);
    this.#sealInto(sealed, nonce, associatedData, plaintext);
    return sealed;
  }

  sealBehind(nonce: Uint8Array, header: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const datagram = new Uint8Array(header.length + plaintext.length + TAG_BYTES);
    datagram.set(header);
    this.#sealInto(datagram.subarray(header.length), nonce, header, plaintext);
    return datagram;
  }

  #sealInto(sealed: Uint8Array, nonce: Uint8Array, associatedData: Uint8Array, plaintext: Uint8Array): void {
    // The types know only the GCM overload; both ciphers share the calls used here.
    const cipher = crypto.createCipheriv(this.#algorithm as "aes-256-gcm", this.#lent(nonce), nonceRoom, AEAD_OPTIONS);
    keyRoom.fill(0);
    cipher.setAAD(associatedData, { plaintextLength: plaintext.length });
    sealed.set(cipher.update(plaintext));
    cipher.final();
    sealed.set(cipher.getAuthTag(), plaintext.length);
  }

  /** The key, lent until the cipher has taken it, with the nonce beside it. */
  #lent(nonce: Uint8Array): Uint8Array {
    nonceRoom.set(checkedNonce(nonce));
    keyRoom.set(this.#key);
    return keyRoom;
  }

  open(nonce: Uint8Array, associatedData: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
    const length = ciphertext.length - TAG_BYTES;
    if (length < 0) return undefined;
    const decipher = crypto.createDecipheriv(
      this.#algorithm as "aes-256-gcm",
      this.#lent(nonce),
      nonceRoom,
      AEAD_OPTIONS,
    );
    keyRoom.fill(0);
    decipher.setAAD(associatedData, { plaintextLength: length });
    decipher.setAuthTag(ciphertext.subarray(length));
    const plaintext = plain(decipher.update(ciphertext.subarray(0, length)));
    return orUndefined(() => {
      decipher.final();
      return plaintext;
    });
  }
}

const KEY_BYTES = 32;

/**
 * Keys and nonces are given to OpenSSL from here: an array of its own would get memory outside of the heap, which costs more than the packet does. The
 * key is wiped as soon as it has been taken.
 */
const keyRoom = Buffer.allocUnsafeSlow(KEY_BYTES);
const nonceRoom = Buffer.allocUnsafeSlow(NONCE_BYTES);
const AEAD_OPTIONS = { authTagLength: TAG_BYTES } as const;

const x25519Agreement: KeyAgreement = {
  publicKeyBytes: CURVE25519_KEY_BYTES,
  load: (privateKey) => (privateKey.length === CURVE25519_KEY_BYTES ? new X25519Key(privateKey) : undefined),
  accepts: isX25519PublicKey,
};

class X25519Key implements AgreementKey {
  readonly publicKey: Uint8Array;
  readonly #key: KeyObject;

  constructor(privateKey: Uint8Array) {
    this.#key = importPrivateKey("X25519", privateKey);
    this.publicKey = publicKeyOf(this.#key);
  }

  agree(peerPublicKey: Uint8Array): Uint8Array | undefined {
    if (!isX25519PublicKey(peerPublicKey)) return undefined;
    const publicKey = importPublicKey("X25519", peerPublicKey);
    const shared = orUndefined(() => plain(crypto.diffieHellman({ privateKey: this.#key, publicKey })));
    return shared?.some((byte) => byte !== 0) ? shared : undefined;
  }
}

const P256 = "prime256v1";

const p256Agreement: KeyAgreement = {
  publicKeyBytes: 65,
  load: (privateKey) =>
    orUndefined(() => {
      if (privateKey.length !== 32) return undefined;
      const key = crypto.createECDH(P256);
      key.setPrivateKey(privateKey);
      return new P256AgreementKey(key);
    }),
  accepts: (publicKey) =>
    isUncompressed(publicKey) && orUndefined(() => crypto.ECDH.convertKey(publicKey, P256)) !== undefined,
};

class P256AgreementKey implements AgreementKey {
  readonly publicKey: Uint8Array;
  readonly #key: crypto.ECDH;

  constructor(key: crypto.ECDH) {
    this.#key = key;
    this.publicKey = plain(key.getPublicKey());
  }

  agree(peerPublicKey: Uint8Array): Uint8Array | undefined {
    if (!isUncompressed(peerPublicKey)) return undefined;
    return orUndefined(() => plain(this.#key.computeSecret(peerPublicKey)));
  }
}

export const ed25519Signature: SignatureScheme = {
  load: (seed) => (seed.length === CURVE25519_KEY_BYTES ? new Ed25519Key(seed) : undefined),
  verify: (publicKey, message, signature) =>
    isEd25519PublicKey(publicKey) &&
    signature.length === 64 &&
    crypto.verify(null, message, importPublicKey("Ed25519", publicKey), signature),
};

class Ed25519Key implements SigningKey {
  readonly publicKey: Uint8Array;
  readonly #key: KeyObject;

  constructor(seed: Uint8Array) {
    this.#key = importPrivateKey("Ed25519", seed);
    this.publicKey = publicKeyOf(this.#key);
  }

  sign(message: Uint8Array): Uint8Array {
    return plain(crypto.sign(null, message, this.#key));
  }
}

const p256Signature: SignatureScheme = {
  load: (privateKey) => {
    const publicKey = p256Agreement.load(privateKey)?.publicKey;
    return publicKey && new P256SigningKey(privateKey, publicKey);
  },
  verify: (publicKey, message, signature) => {
    if (!isUncompressed(publicKey) || !isEcdsaSignature(signature)) return false;
    const key = orUndefined(() => importPublicKey("P-256", publicKey));
    return key !== undefined && crypto.verify("sha256", message, key, signature);
  },
};

class P256SigningKey implements SigningKey {
  readonly publicKey: Uint8Array;
  readonly #key: KeyObject;

  constructor(privateKey: Uint8Array, publicKey: Uint8Array) {
    this.publicKey = publicKey;
    this.#key = crypto.createPrivateKey({ key: { ...ecPoint(publicKey), d: base64Url(privateKey) }, format: "jwk" });
  }

  sign(message: Uint8Array): Uint8Array {
    const signature = plain(crypto.sign("sha256", message, this.#key));
    return lowSignatureForm(signature) ?? signature;
  }
}

type OkpCurve = "X25519" | "Ed25519";

/** Two keys of each handshake that is under way at once, and some CAs. */
const IMPORTED_KEYS_MAX = 64;

/** PKCS#8 up to the 32 key bytes (RFC 8410 section 7). */
const PKCS8_PREFIX: Record<OkpCurve, string> = {
  X25519: "302e020100300506032b656e04220420",
  Ed25519: "302e020100300506032b657004220420",
};

/**
 * Raw key bytes as a key object. By way of a JWK, because OpenSSL's DER decoder takes ten times as long (300 us), and a handshake
 * imports an ephemeral key. The public half is left empty: it is computed from `d`. A Node that insists on it gets DER.
 */
function importPrivateKey(crv: OkpCurve, key: Uint8Array): KeyObject {
  const jwk = { kty: "OKP", crv, d: base64Url(key), x: "" };
  return (
    orUndefined(() => crypto.createPrivateKey({ key: jwk, format: "jwk" })) ??
    crypto.createPrivateKey({
      key: Buffer.concat([Buffer.from(PKCS8_PREFIX[crv], "hex"), key]),
      format: "der",
      type: "pkcs8",
    })
  );
}

function importPublicKey(crv: OkpCurve | "P-256", publicKey: Uint8Array): KeyObject {
  const x = base64Url(publicKey);
  const jwk = crv === "P-256" ? ecPoint(publicKey) : { kty: "OKP", crv, x };
  const imported = importedKeys[crv].get(x) ?? crypto.createPublicKey({ key: jwk, format: "jwk" });
  importedKeys[crv].set(x, imported);
  return imported;
}

/**
 * Public keys that were used lately: a handshake agrees twice with the same ephemeral key, and a CA's key verifies every certificate.
 * An import takes a quarter of the time of an agreement.
 */
const importedKeys: Record<OkpCurve | "P-256", LruMap<string, KeyObject>> = {
  "P-256": new LruMap(IMPORTED_KEYS_MAX),
  X25519: new LruMap(IMPORTED_KEYS_MAX),
  Ed25519: new LruMap(IMPORTED_KEYS_MAX),
};

/** The JWK of a private key has its public half beside it. */
function publicKeyOf(privateKey: KeyObject): Uint8Array {
  const { x } = privateKey.export({ format: "jwk" });
  return new Uint8Array(Buffer.from(x ?? "", "base64url"));
}

function ecPoint(publicKey: Uint8Array): crypto.JsonWebKey {
  return {
    kty: "EC",
    crv: "P-256",
    x: base64Url(publicKey.subarray(1, 33)),
    y: base64Url(publicKey.subarray(33)),
  };
}

/** Nebula knows only the 65-byte form; OpenSSL would take the compressed one too. */
function isUncompressed(publicKey: Uint8Array): boolean {
  return publicKey.length === 65 && publicKey[0] === 4;
}

function base64Url(key: Uint8Array): string {
  textRoom.set(key);
  const text = textRoom.toString("base64url", 0, key.length);
  textRoom.fill(0);
  return text;
}

/** The longest key is a point of P-256. Like `keyRoom`. */
const textRoom = Buffer.allocUnsafeSlow(65);

/** The same memory as an ordinary Uint8Array: a Buffer's `slice` and its comparisons are not those of its parent class. */
function plain(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
