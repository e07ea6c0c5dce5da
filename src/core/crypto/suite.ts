/** AEAD of the Noise suite and of the session, network-wide (`cipher`). 32-byte key, 12-byte nonce, 16-byte tag. */
export type Cipher = (typeof CIPHERS)[number];
export const CIPHERS = ["aes", "chachapoly"] as const;

/** Curve of a certificate: the key in it and the signature over it. Numbers on the wire: 0 and 1. */
export type Curve = "CURVE25519" | "P256";

/**
 * The primitives, from audited libraries. Three implementations: `core/crypto/portable.ts` (JavaScript only: CA tool, browsers, oracle in
 * tests), `runtime/node-crypto.ts` (OpenSSL) and `runtime/crypto/native-suite.ts` (Rust, for the daemon). One conformance suite runs over all.
 *
 * Lengths are checked by the implementations; wrong lengths of *public* input give `undefined` or `false`, never an exception.
 */
export interface CryptoSuite {
  /** Whose code it is: what `lacis status` says of a daemon's. */
  readonly name: string;
  /** SHA-256 over the concatenation of the parts: 32 bytes. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  /** HMAC-SHA-256 over the concatenation of the parts: 32 bytes. */
  hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
  /** Expands a 32-byte key once; the result is used for many packets. */
  aead(cipher: Cipher, key: Uint8Array): Aead;
  /** Key agreement on this curve, or undefined where the suite does not have it. */
  agreement(curve: Curve): KeyAgreement | undefined;
  /** Signatures on this curve (Ed25519; ECDSA P-256 over SHA-256, DER). */
  signature(curve: Curve): SignatureScheme | undefined;
}

/** AEAD with a 16-byte tag at the end of the ciphertext. */
export interface Aead {
  seal(nonce: Uint8Array, associatedData: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** The same behind its associated data: a datagram with its header. */
  sealBehind(nonce: Uint8Array, header: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** The plaintext, or undefined when the tag is wrong. */
  open(nonce: Uint8Array, associatedData: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined;
}

export interface KeyAgreement {
  /** 32 (X25519) or 65 (P-256, uncompressed). Noise's DHLEN. */
  readonly publicKeyBytes: number;
  /** Loads a 32-byte private scalar; undefined when it is not one. */
  load(privateKey: Uint8Array): AgreementKey | undefined;
  /** Whether `agree` will give a secret for this public key. Needs no private key and is cheap. */
  accepts(peerPublicKey: Uint8Array): boolean;
}

/** A private agreement key, loaded. Prints as "[secret]". */
export interface AgreementKey {
  readonly publicKey: Uint8Array;
  /**
   * The 32-byte shared secret with a peer's public key; undefined for a public key of the wrong length, off the curve, of low
   * order, or when the result is all zero (reliability R4).
   */
  agree(peerPublicKey: Uint8Array): Uint8Array | undefined;
}

export interface SignatureScheme {
  /** 32-byte Ed25519 seed or P-256 scalar; undefined when it is not one. */
  load(privateKey: Uint8Array): SigningKey | undefined;
  /** Ed25519: RFC 8032, S < L required. P-256: either form of s. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

/** A private signing key, loaded. Prints as "[secret]". */
export interface SigningKey {
  readonly publicKey: Uint8Array;
  /** P-256: low-s. */
  sign(message: Uint8Array): Uint8Array;
}
