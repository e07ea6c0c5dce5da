import { concatBytes, equalBytes } from "../src/core/base/bytes.ts";
import type { Entropy } from "../src/core/base/entropy.ts";
import { ok, type Result } from "../src/core/base/result.ts";
import { Secret } from "../src/core/base/secret.ts";
import { type HostKeyPair, generateHostKey as makeHostKey } from "../src/core/cert/host-key.ts";
import { Banner, decodePem, encodePem, type PemBlock } from "../src/core/cert/pem.ts";
import { portableSuite } from "../src/core/crypto/portable.ts";
import type { Curve, SigningKey } from "../src/core/crypto/suite.ts";
import { platformEntropy } from "./entropy.ts";
import { type Refusal, refuse } from "./refusal.ts";

// Keys and the files they stand in (protocol 4.1). A host key agrees, a CA key signs: two kinds, never taken for each other. The base64 is the raw key.

/** A fresh key for a host. */
export function generateHostKey(curve: Curve, entropy: Entropy = platformEntropy): HostKeyPair {
  return makeHostKey(portableSuite, curve, entropy);
}

/** A fresh signing key for an authority, and the file to keep it in. */
export function generateCaKey(
  curve: Curve,
  entropy: Entropy = platformEntropy,
): { readonly key: SigningKey; readonly privateKeyPem: string } {
  const scheme = portableSuite.signature(curve);
  for (;;) {
    using seed = new Secret(entropy.bytes(32));
    const key = scheme?.load(seed.expose());
    if (!key) continue;
    if (curve === "P256") return { key, privateKeyPem: encodePem(Banner.ecdsaP256PrivateKey, seed.expose()) };
    // An Ed25519 key file holds the seed and the public key.
    using both = new Secret(concatBytes(seed.expose(), key.publicKey));
    return { key, privateKeyPem: encodePem(Banner.ed25519PrivateKey, both.expose()) };
  }
}

/** Reads a host's public key file. `what` names the file in refusals. */
export function readHostPublicKey(
  pem: string,
  what: string,
): Result<{ readonly curve: Curve; readonly publicKey: Uint8Array }, Refusal> {
  const block = onlyBlock(pem, what);
  if (!block.ok) return block;
  const { banner, bytes } = block.value;
  const curve = banner === Banner.x25519PublicKey ? "CURVE25519" : banner === Banner.p256PublicKey ? "P256" : undefined;
  if (!curve) {
    return refuse(what, `it is a ${banner}, not a host's public key`, "give the file that keygen wrote to -out-pub");
  }
  if (!portableSuite.agreement(curve)?.accepts(bytes)) {
    return refuse(
      what,
      `its ${bytes.length} bytes are not a usable ${curve} public key`,
      "make a new pair with keygen",
    );
  }
  return ok({ curve, publicKey: bytes });
}

/** Reads a CA's private key file. */
export function readCaKey(
  pem: string,
  what: string,
): Result<{ readonly curve: Curve; readonly key: SigningKey }, Refusal> {
  const block = onlyBlock(pem, what);
  if (!block.ok) return block;
  const { banner, bytes } = block.value;
  using secret = new Secret(bytes);
  if (banner === Banner.ed25519EncryptedPrivateKey || banner === Banner.ecdsaP256EncryptedPrivateKey) {
    return refuse(what, "the key is encrypted", "give its passphrase");
  }
  if (banner === Banner.ed25519PrivateKey) return readEd25519Key(secret, what);
  if (banner !== Banner.ecdsaP256PrivateKey) {
    return refuse(what, `it is a ${banner}, not a CA's private key`, "give the file that ca wrote to -out-key");
  }
  const key = portableSuite.signature("P256")?.load(secret.expose());
  return key ? ok({ curve: "P256", key }) : refuse(what, "it is not a P-256 private key", RESTORE);
}

const RESTORE = "restore the file from a backup";

function readEd25519Key(
  secret: Secret,
  what: string,
): Result<{ readonly curve: Curve; readonly key: SigningKey }, Refusal> {
  const bytes = secret.expose();
  if (bytes.length !== 64) return refuse(what, `an Ed25519 private key has 64 bytes, not ${bytes.length}`, RESTORE);
  const key = portableSuite.signature("CURVE25519")?.load(bytes.subarray(0, 32));
  if (!key || !equalBytes(key.publicKey, bytes.subarray(32))) {
    return refuse(what, "its two halves do not belong to each other", RESTORE);
  }
  return ok({ curve: "CURVE25519", key });
}

function onlyBlock(pem: string, what: string): Result<PemBlock, Refusal> {
  const blocks = decodePem(pem);
  if (!blocks.ok) return refuse(what, blocks.reason, "give a PEM file");
  const [block, another] = blocks.value;
  if (!block || another) return refuse(what, "it holds more than one key", "give a file with one");
  return ok(block);
}
