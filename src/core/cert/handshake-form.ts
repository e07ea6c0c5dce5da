import { fail, type Result } from "../base/result.ts";
import type { CryptoSuite, Curve } from "../crypto/suite.ts";
import type { Certificate, CertificateVersion } from "./certificate.ts";
import { decodeV1, encodeV1, encodeV1Details } from "./v1.ts";
import { decodeV2, encodeV2 } from "./v2.ts";

/** The certificate as it travels in a handshake: without the public key, which Noise transfers anyway (protocol 4.6). */
export function toHandshakeForm(certificate: Certificate): Uint8Array {
  if (certificate.version === 1) {
    return encodeV1(encodeV1Details({ ...certificate, publicKey: new Uint8Array() }), certificate.signature);
  }
  const { details, curve, signature } = certificate;
  return encodeV2({ details, curve, signature });
}

export interface ReceivedCertificate {
  readonly bytes: Uint8Array;
  /** As the handshake payload names it. */
  readonly version: CertificateVersion;
  /** Noise's remote static key. */
  readonly publicKey: Uint8Array;
  /** Of our own certificate: a peer's must have the same. */
  readonly curve: Curve;
}

/** The full certificate of a peer, put together from what it sent and the key it proved, or will have to prove. Not verified yet. */
export function fromHandshakeForm(suite: CryptoSuite, received: ReceivedCertificate): Result<Certificate, string> {
  const { bytes, version, publicKey, curve } = received;
  const decoded = version === 1 ? decodeV1(suite, bytes, publicKey) : decodeV2(suite, bytes, { publicKey, curve });
  if (decoded.ok && decoded.value.curve !== curve) {
    return fail(`the peer's certificate is of curve ${decoded.value.curve}, ours of ${curve}`);
  }
  return decoded;
}
