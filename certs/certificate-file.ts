import { ok, type Result } from "../src/core/base/result.ts";
import type { Certificate } from "../src/core/cert/certificate.ts";
import { parseCertificates } from "../src/core/cert/decode.ts";
import { Banner, encodePem } from "../src/core/cert/pem.ts";
import { portableSuite } from "../src/core/crypto/portable.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** The file a certificate is kept in. */
export function certificateToPem(certificate: Certificate): string {
  return encodePem(certificate.version === 1 ? Banner.certificateV1 : Banner.certificateV2, certificate.encoded);
}

/** All certificates of a file. `what` names it in refusals. */
export function readCertificates(pem: string, what: string): Result<Certificate[], Refusal> {
  const certificates = parseCertificates(pem, portableSuite);
  return certificates.ok
    ? ok(certificates.value)
    : refuse(what, certificates.reason, "give a file with certificates in PEM form");
}
