import type { Entropy } from "../base/entropy.ts";
import { Secret } from "../base/secret.ts";
import type { CryptoSuite, Curve } from "../crypto/suite.ts";
import { Banner, decodePem, encodePem } from "./pem.ts";

/** A host's key pair as files: the raw key in PEM (protocol 4.1). */
export interface HostKeyPair {
  readonly curve: Curve;
  readonly publicKey: Uint8Array;
  /** Files ready to be written; the first is secret. */
  readonly privateKeyPem: string;
  readonly publicKeyPem: string;
}

type Agreements = Pick<CryptoSuite, "agreement">;

/** A fresh key for a host. */
export function generateHostKey(suite: Agreements, curve: Curve, entropy: Entropy): HostKeyPair {
  const agreement = suite.agreement(curve);
  for (;;) {
    using privateKey = new Secret(entropy.bytes(32));
    // One in 2^32 byte strings is no scalar of P-256.
    const key = agreement?.load(privateKey.expose());
    if (key) return pairOf(curve, key.publicKey, encodePem(BANNERS[curve].secret, privateKey.expose()));
  }
}

/** The pair that a private key's file belongs to; undefined when it is none. */
export function readHostKey(suite: Agreements, privateKeyPem: string): HostKeyPair | undefined {
  const blocks = decodePem(privateKeyPem);
  const [block, another] = blocks.ok ? blocks.value : [];
  if (!block || another) return undefined;
  using privateKey = new Secret(block.bytes);
  for (const curve of ["CURVE25519", "P256"] as const) {
    if (block.banner !== BANNERS[curve].secret) continue;
    const key = suite.agreement(curve)?.load(privateKey.expose());
    return key && pairOf(curve, key.publicKey, privateKeyPem);
  }
  return undefined;
}

const BANNERS = {
  CURVE25519: { secret: Banner.x25519PrivateKey, open: Banner.x25519PublicKey },
  P256: { secret: Banner.p256PrivateKey, open: Banner.p256PublicKey },
} as const;

function pairOf(curve: Curve, publicKey: Uint8Array, privateKeyPem: string): HostKeyPair {
  return { curve, publicKey, privateKeyPem, publicKeyPem: encodePem(BANNERS[curve].open, publicKey) };
}
