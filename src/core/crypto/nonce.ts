import { writeUint64 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Cipher } from "./suite.ts";

/** Bytes of an AEAD nonce. */
export const NONCE_BYTES = 12;

/**
 * The nonce of a counter, in Noise as in a session (protocol 2.2): four zero bytes, then the counter as 64 bits - big endian for
 * AES-GCM, little endian for ChaCha20-Poly1305.
 */
export function nonceOf(cipher: Cipher, counter: bigint): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES);
  writeUint64(nonce, 4, counter);
  if (cipher === "chachapoly") nonce.subarray(4).reverse();
  return nonce;
}

/** A nonce of another length is a mistake of ours, never of the network's: OpenSSL would take it and hash it. */
export function checkedNonce(nonce: Uint8Array): Uint8Array {
  if (nonce.length !== NONCE_BYTES)
    throw new Fault("aead-nonce-length", `an AEAD nonce has ${NONCE_BYTES} bytes`, { bytes: nonce.length });
  return nonce;
}
