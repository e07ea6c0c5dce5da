import type { CertificateVersion, CertificateViews } from "./certificate.ts";
import { viewsOfV1 } from "./v1.ts";
import { viewsOfV2 } from "./v2.ts";

/** The views of a certificate that was read before. */
export function viewsOf(version: CertificateVersion, encoded: Uint8Array): CertificateViews {
  return version === 1 ? viewsOfV1(encoded) : viewsOfV2(encoded);
}
