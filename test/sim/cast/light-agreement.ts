import { equalBytes } from "../../../src/core/base/bytes.ts";
import type { AgreementKey, KeyAgreement } from "../../../src/core/crypto/suite.ts";
import { nodeSuite } from "../../../src/runtime/node-crypto.ts";

/** How the public half of a light key begins: so does one real key of four thousand millions. */
const MARK = Uint8Array.of(0x4c, 0x49, 0x54, 0x45);

/**
 * Key agreement without curves, for the keys that a handshake draws: what two agree on is the hash of both public halves. Each end takes its own half
 * from its own key, so they agree when each has the half that the other sent, and else on nothing, as on a curve; whoever hears both could
 * compute the same, and in a simulated world nobody does. The keys of certificates stay real, and agree with a light key as a light one would.
 */
export function lightAgreement(real: KeyAgreement): KeyAgreement {
  return {
    publicKeyBytes: real.publicKeyBytes,
    load: (privateKey) => (privateKey.length === MARK.length + HASHED_BYTES ? new LightKey(privateKey) : undefined),
    accepts: (publicKey) => real.accepts(publicKey),
  };
}

/** A real key that also agrees with light ones. */
export function withLightPeers(key: AgreementKey): AgreementKey {
  const { publicKey } = key;
  return { publicKey, agree: (peer) => (isLight(peer) ? lightSecret(publicKey, peer) : key.agree(peer)) };
}

class LightKey implements AgreementKey {
  readonly publicKey: Uint8Array;

  constructor(privateKey: Uint8Array) {
    this.publicKey = nodeSuite.sha256(privateKey);
    this.publicKey.set(MARK);
  }

  agree(peerPublicKey: Uint8Array): Uint8Array | undefined {
    const accepts = nodeSuite.agreement("CURVE25519")?.accepts(peerPublicKey) ?? false;
    return accepts ? lightSecret(this.publicKey, peerPublicKey) : undefined;
  }
}

const HASHED_BYTES = 28;

function isLight(publicKey: Uint8Array): boolean {
  return publicKey.length === MARK.length + HASHED_BYTES && equalBytes(publicKey.subarray(0, MARK.length), MARK);
}

/** The same for both: it does not matter whose half comes first. */
function lightSecret(a: Uint8Array, b: Uint8Array): Uint8Array {
  return nodeSuite.sha256(...(Buffer.compare(a, b) < 0 ? [a, b] : [b, a]));
}
