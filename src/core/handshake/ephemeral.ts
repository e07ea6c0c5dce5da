import type { Entropy } from "../base/entropy.ts";
import type { AgreementKey, CryptoSuite, Curve } from "../crypto/suite.ts";

/** Draws before giving up. A P-256 scalar out of range happens once in 2^32 draws; X25519 takes every draw. */
const KEY_DRAWS_MAX = 4;

/** A fresh agreement key for one handshake; undefined when the suite does not have the curve. */
export function ephemeralKey(crypto: CryptoSuite, curve: Curve, entropy: Entropy): AgreementKey | undefined {
  const agreement = crypto.agreement(curve);
  for (let draw = 0; agreement && draw < KEY_DRAWS_MAX; draw++) {
    const key = agreement.load(entropy.bytes(32));
    if (key) return key;
  }
  return undefined;
}
