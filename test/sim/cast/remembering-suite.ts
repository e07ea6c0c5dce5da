import { LruMap } from "../../../src/core/base/lru.ts";
import type {
  AgreementKey,
  CryptoSuite,
  Curve,
  KeyAgreement,
  SignatureScheme,
} from "../../../src/core/crypto/suite.ts";
import { nodeSuite } from "../../../src/runtime/node-crypto.ts";

/** Results that are kept. What both ends of a handshake compute is asked for twice within a virtual second. */
const KEPT_MAX = 4_096;

/**
 * The daemon's suite for many hosts in one process: what one host has computed, another need not compute again. Both ends of a handshake agree on
 * the same secret, and every host verifies the same certificates. All results are those of the real suite.
 */
export const rememberingSuite: CryptoSuite = {
  ...nodeSuite,
  name: "node, remembering",
  agreement: (curve) => agreements[curve],
  signature: (curve) => signatures[curve],
};

const agreements: Record<Curve, KeyAgreement | undefined> = {
  CURVE25519: rememberingAgreement("CURVE25519"),
  P256: rememberingAgreement("P256"),
};
const signatures: Record<Curve, SignatureScheme | undefined> = {
  CURVE25519: rememberingSignature("CURVE25519"),
  P256: rememberingSignature("P256"),
};

function rememberingAgreement(curve: Curve): KeyAgreement | undefined {
  const real = nodeSuite.agreement(curve);
  if (!real) return undefined;
  const secrets = new LruMap<string, Uint8Array | undefined>(KEPT_MAX);
  const remember = (key: AgreementKey): AgreementKey => ({
    publicKey: key.publicKey,
    agree(peerPublicKey) {
      const ends = [text(key.publicKey), text(peerPublicKey)].sort().join();
      const secret = secrets.getOrMake(ends, () => key.agree(peerPublicKey));
      return secret?.slice();
    },
  });
  return {
    publicKeyBytes: real.publicKeyBytes,
    load(privateKey) {
      const key = real.load(privateKey);
      return key && remember(key);
    },
    accepts: (publicKey) => real.accepts(publicKey),
  };
}

function rememberingSignature(curve: Curve): SignatureScheme | undefined {
  const real = nodeSuite.signature(curve);
  if (!real) return undefined;
  const verdicts = new LruMap<string, boolean>(KEPT_MAX);
  return {
    load: (privateKey) => real.load(privateKey),
    verify: (publicKey, message, signature) =>
      verdicts.getOrMake([publicKey, signature, message].map(text).join(), () =>
        real.verify(publicKey, message, signature),
      ),
  };
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}
