import { toHex } from "../../src/core/base/bytes.ts";
import type { Entropy } from "../../src/core/base/entropy.ts";
import { ok, type Result } from "../../src/core/base/result.ts";
import { Secret } from "../../src/core/base/secret.ts";
import { decodePem } from "../../src/core/cert/pem.ts";
import { P256_KEY_BANNER, p256PrivateKeyPem, p256PublicKeyInfo, selfSigned } from "../../src/core/cert/self-signed.ts";
import { portableSuite } from "../../src/core/crypto/portable.ts";
import { DerReader } from "../../src/core/wire/der.ts";
import { platformEntropy } from "../entropy.ts";
import { type Refusal, refuse } from "../refusal.ts";

/** What the service shows to whoever connects: tokens name its key, so that nothing else need be trusted. */
export interface ServiceIdentity {
  /** For TLS. */
  readonly keyPem: string;
  readonly certificatePem: string;
  /** SHA-256 of the public key (SubjectPublicKeyInfo) in hex: what a token pins. */
  readonly serviceKey: string;
}

/** A fresh key for a service: an ordinary TLS key on P-256, PEM. */
export function generateServiceKey(entropy: Entropy = platformEntropy): string {
  for (;;) {
    using scalar = new Secret(entropy.bytes(32));
    const key = portableSuite.signature("P256")?.load(scalar.expose());
    if (key) return p256PrivateKeyPem(scalar.expose(), key.publicKey);
  }
}

/** Opens a service's key. `what` names its file in refusals. */
export function openServiceKey(
  keyPem: string,
  what: string,
  entropy: Entropy = platformEntropy,
): Result<ServiceIdentity, Refusal> {
  const blocks = decodePem(keyPem);
  const [block] = blocks.ok ? blocks.value : [];
  const outer = new DerReader(block?.banner === P256_KEY_BANNER ? block.bytes : new Uint8Array());
  const inner = new DerReader(outer.read(SEQUENCE) ?? new Uint8Array());
  inner.read(INTEGER);
  using scalar = new Secret(inner.read(OCTETS) ?? new Uint8Array());
  const key = portableSuite.signature("P256")?.load(scalar.expose());
  if (!key) return refuse(what, "it is not the key of an enrolment service", "restore it from a backup");
  const publicKey = p256PublicKeyInfo(key.publicKey);
  return ok({
    keyPem,
    certificatePem: selfSigned({ publicKey, sign: (bytes) => key.sign(bytes) }, entropy),
    serviceKey: toHex(portableSuite.sha256(publicKey)),
  });
}

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OCTETS = 0x04;
