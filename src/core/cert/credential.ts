import type { AgreementKey, Curve } from "../crypto/suite.ts";
import type { IpAddress } from "../netip/address.ts";
import type { Prefix } from "../netip/prefix.ts";
import type { Certificate, CertificateVersion } from "./certificate.ts";

/**
 * This host's own identity: a v1 certificate, a v2 certificate or both (same key, same curve, same first network), and the key.
 * Made by `loadCredential`, which has checked that they fit.
 */
export interface Credential {
  readonly curve: Curve;
  readonly name: string;
  readonly key: AgreementKey;
  readonly certificates: { readonly [version in CertificateVersion]?: Certificate };
  /** Networks of the v2 certificate, else of the v1 certificate; the first is the primary one. */
  readonly networks: readonly Prefix[];
  readonly addresses: readonly IpAddress[];
}
