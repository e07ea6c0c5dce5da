import { concatBytes, utf8Encode } from "../base/bytes.ts";
import { nonceOf } from "../crypto/nonce.ts";
import type { Cipher, CryptoSuite } from "../crypto/suite.ts";

/**
 * Noise's SymmetricState (revision 34, section 5.2) with the CipherState inside it. The names are the specification's. Values are replaced,
 * never written into, so that `clone` is cheap.
 */
export class SymmetricState {
  readonly #suite: CryptoSuite;
  readonly #cipher: Cipher;
  #ck: Uint8Array;
  #h: Uint8Array;
  #key: Uint8Array | undefined;
  #n = 0n;

  /** InitializeSymmetric. Every protocol name of Nebula fits into 32 bytes: it is padded with zeros, not hashed. */
  constructor(suite: CryptoSuite, cipher: Cipher, protocolName: string) {
    this.#suite = suite;
    this.#cipher = cipher;
    this.#h = new Uint8Array(HASHLEN);
    this.#h.set(utf8Encode(protocolName));
    this.#ck = this.#h;
  }

  /** The same state, to be advanced on trial. */
  clone(): SymmetricState {
    const copy = new SymmetricState(this.#suite, this.#cipher, "");
    copy.#ck = this.#ck;
    copy.#h = this.#h;
    copy.#key = this.#key;
    copy.#n = this.#n;
    return copy;
  }

  /** h, for comparison with published vectors. */
  get handshakeHash(): Uint8Array {
    return this.#h;
  }

  mixHash(data: Uint8Array): void {
    this.#h = this.#suite.sha256(this.#h, data);
  }

  mixKey(inputKeyMaterial: Uint8Array): void {
    const [ck, key] = this.#hkdf2(inputKeyMaterial);
    this.#ck = ck;
    this.#key = key;
    this.#n = 0n;
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const ciphertext = this.#key
      ? this.#suite.aead(this.#cipher, this.#key).seal(this.#nextNonce(), this.#h, plaintext)
      : plaintext;
    this.mixHash(ciphertext);
    return ciphertext;
  }

  /** Undefined when the tag is wrong; the state is then spent. */
  decryptAndHash(ciphertext: Uint8Array): Uint8Array | undefined {
    const plaintext = this.#key
      ? this.#suite.aead(this.#cipher, this.#key).open(this.#nextNonce(), this.#h, ciphertext)
      : ciphertext.slice();
    if (plaintext) this.mixHash(ciphertext);
    return plaintext;
  }

  /** The two keys of the session: initiator to responder, responder to initiator. */
  split(): readonly [Uint8Array, Uint8Array] {
    return this.#hkdf2(new Uint8Array());
  }

  #nextNonce(): Uint8Array {
    return nonceOf(this.#cipher, this.#n++);
  }

  /** HKDF with two outputs (section 4.3). */
  #hkdf2(inputKeyMaterial: Uint8Array): readonly [Uint8Array, Uint8Array] {
    const temporary = this.#suite.hmacSha256(this.#ck, inputKeyMaterial);
    const first = this.#suite.hmacSha256(temporary, Uint8Array.of(1));
    const second = this.#suite.hmacSha256(temporary, concatBytes(first, Uint8Array.of(2)));
    return [first, second];
  }
}

/** SHA-256. */
const HASHLEN = 32;
