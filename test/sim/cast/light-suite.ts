import { equalBytes } from "../../../src/core/base/bytes.ts";
import { checkedNonce } from "../../../src/core/crypto/nonce.ts";
import type { Aead, CryptoSuite } from "../../../src/core/crypto/suite.ts";
import { TAG_BYTES } from "../../../src/core/wire/header.ts";
import { lightAgreement } from "./light-agreement.ts";
import { rememberingSuite } from "./remembering-suite.ts";

const real25519 = rememberingSuite.agreement("CURVE25519");
const agreement25519 = real25519 && lightAgreement(real25519);

/**
 * As the real suite, but for the agreement on keys that handshakes draw (light-agreement.ts), and for the AEAD: a checksum under the key and a stream of no strength, at a tenth of the cost of a cipher object for each
 * packet. It notices every change, wrong key, nonce and header that happens in a simulated world, where nobody reckons with its weakness, and it
 * hides what was sealed from whoever looks for it. Certificates and their keys, hashes and signatures stay real.
 */
export const lightSuite: CryptoSuite = {
  ...rememberingSuite,
  name: "light",
  aead: (_, key) => new LightAead(key),
  agreement: (curve) => (curve === "CURVE25519" ? agreement25519 : rememberingSuite.agreement(curve)),
};

class LightAead implements Aead {
  readonly #stream: number;
  readonly #lanes: readonly number[];

  constructor(key: Uint8Array) {
    this.#stream = absorbed(STREAM_SEED, key);
    this.#lanes = LANE_SEEDS.map((seed) => absorbed(seed, key));
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
    const body = sealed.subarray(0, plaintext.length);
    this.#cross(nonce, plaintext, body);
    this.#tag(nonce, associatedData, body, sealed.subarray(plaintext.length));
  }

  open(nonce: Uint8Array, associatedData: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
    const length = ciphertext.length - TAG_BYTES;
    if (length < 0) return undefined;
    const body = ciphertext.subarray(0, length);
    const tag = new Uint8Array(TAG_BYTES);
    this.#tag(nonce, associatedData, body, tag);
    if (!equalBytes(tag, ciphertext.subarray(length))) return undefined;
    const plaintext = new Uint8Array(length);
    this.#cross(nonce, body, plaintext);
    return plaintext;
  }

  /** From here or there and back. */
  #cross(nonce: Uint8Array, from: Uint8Array, to: Uint8Array): void {
    let state = absorbed(this.#stream, checkedNonce(nonce)) | 1;
    for (let i = 0; i < from.length; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      to[i] = from[i]! ^ (state & 0xff);
    }
  }

  #tag(nonce: Uint8Array, associatedData: Uint8Array, body: Uint8Array, tag: Uint8Array): void {
    let at = 0;
    for (const lane of this.#lanes) {
      const begun = absorbed(lane ^ associatedData.length, nonce);
      const word = absorbed(absorbed(begun, associatedData), body);
      for (let shift = 0; shift < 32; shift += 8) tag[at++] = (word >>> shift) & 0xff;
    }
  }
}

const STREAM_SEED = 0x5bd1e995;
const LANE_SEEDS = [0x811c9dc5, 0x2545f491, 0x9e3779b1, 0x7feb352d];

/** FNV-1a with the high bits folded back, so that a change of any byte reaches all of it. */
function absorbed(seed: number, bytes: Uint8Array): number {
  let state = seed;
  for (let i = 0; i < bytes.length; i++) {
    state = Math.imul(state ^ bytes[i]!, 0x01000193);
    state ^= state >>> 15;
  }
  return state;
}
