import { fail, type Result } from "../base/result.ts";
import type { CryptoSuite, Curve } from "../crypto/suite.ts";
import type { Certificate, CertificateVersion, UnreadCertificate } from "./certificate.ts";
import { handshakeFormV1, openV1 } from "./v1.ts";
import { encodeV2, openV2 } from "./v2.ts";

/** The certificate as it travels in a handshake: without the public key, which Noise transfers anyway (protocol 4.6). */
export function toHandshakeForm(certificate: Certificate): Uint8Array {
  if (certificate.version === 1) return handshakeFormV1(certificate);
  const { details, curve, signature } = certificate;
  return encodeV2({ details, curve, signature });
}

/** The same for a certificate of our own, which goes out with every handshake: made once. */
export function ownHandshakeForm(certificate: Certificate): Uint8Array {
  const known = ownForms.get(certificate) ?? toHandshakeForm(certificate);
  ownForms.set(certificate, known);
  return known;
}

const ownForms = new WeakMap<Certificate, Uint8Array>();

export interface ReceivedCertificate {
  readonly bytes: Uint8Array;
  /** As the handshake payload names it. */
  readonly version: CertificateVersion;
  /** Noise's remote static key. */
  readonly publicKey: Uint8Array;
  /** Of our own certificate: a peer's must have the same. */
  readonly curve: Curve;
}

/** The certificate of a peer, put together from what it sent and the key it proved, or will have to prove. Neither read nor verified yet. */
export function openHandshakeForm(
  suite: CryptoSuite,
  received: ReceivedCertificate,
): Result<UnreadCertificate, string> {
  const { bytes, version, publicKey, curve } = received;
  const unread = version === 1 ? openV1(suite, bytes, publicKey) : openV2(suite, bytes, { publicKey, curve });
  if (unread.ok && unread.value.head.curve !== curve) {
    return fail(`the peer's certificate is of curve ${unread.value.head.curve}, ours of ${curve}`);
  }
  return unread;
}

/** The same, read. */
export function fromHandshakeForm(suite: CryptoSuite, received: ReceivedCertificate): Result<Certificate, string> {
  const unread = openHandshakeForm(suite, received);
  return unread.ok ? unread.value.read() : unread;
}
