import { fail, ok, type Result } from "../base/result.ts";
import { otherSignatureForm } from "../crypto/ecdsa-signature.ts";
import type { CryptoSuite } from "../crypto/suite.ts";
import type { Certificate, CertificateHead, CertificateVersion, Fingerprint } from "./certificate.ts";
import { Banner, decodePem } from "./pem.ts";
import { decodeV1, fingerprintV1 } from "./v1.ts";
import { decodeV2, fingerprintV2, signedBytesV2 } from "./v2.ts";

/** Reads a certificate's bytes as they stand between the PEM lines. Decoded is not verified. */
export function decodeCertificate(
  suite: CryptoSuite,
  version: CertificateVersion,
  bytes: Uint8Array,
): Result<Certificate, string> {
  return version === 1 ? decodeV1(suite, bytes) : decodeV2(suite, bytes);
}

/** All certificates of a PEM text, in their order; at least one, and nothing but certificates. */
export function parseCertificates(text: string, suite: CryptoSuite): Result<Certificate[], string> {
  const blocks = decodePem(text);
  if (!blocks.ok) return blocks;
  const certificates: Certificate[] = [];
  for (const [i, { banner, bytes }] of blocks.value.entries()) {
    const version = versionOf(banner);
    if (!version) return fail(`block ${i + 1} is a ${banner}, not a certificate`);
    const certificate = decodeCertificate(suite, version, bytes);
    if (!certificate.ok) return fail(`block ${i + 1}: ${certificate.reason}`);
    certificates.push(certificate.value);
  }
  return ok(certificates);
}

/** The bytes that a certificate's signature covers. */
export function signedBytes(certificate: Pick<Certificate, "version" | "details" | "curve" | "publicKey">): Uint8Array {
  return certificate.version === 1 ? certificate.details : signedBytesV2(certificate);
}

/** Whether the certificate was signed with the private half of this key. */
export function isSignedBy(suite: CryptoSuite, certificate: CertificateHead, publicKey: Uint8Array): boolean {
  const scheme = suite.signature(certificate.curve);
  return scheme?.verify(publicKey, signedBytes(certificate), certificate.signature) ?? false;
}

/**
 * Every fingerprint under which the same certificate would verify: one, or two on P-256, where the other form of the signature verifies
 * as well (protocol 4.7, reliability R1).
 */
export function fingerprintsOf(suite: CryptoSuite, certificate: CertificateHead): readonly Fingerprint[] {
  if (certificate.curve !== "P256") return [certificate.fingerprint];
  const signature = otherSignatureForm(certificate.signature);
  if (!signature) return [certificate.fingerprint];
  const { version, curve, details, publicKey } = certificate;
  const other = { curve, details, publicKey, signature };
  return [certificate.fingerprint, version === 1 ? fingerprintV1(suite, other) : fingerprintV2(suite, other)];
}

function versionOf(banner: string): CertificateVersion | undefined {
  if (banner === Banner.certificateV1) return 1;
  return banner === Banner.certificateV2 ? 2 : undefined;
}
