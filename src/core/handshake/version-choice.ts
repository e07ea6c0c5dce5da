import type { CertificateVersion } from "../cert/certificate.ts";
import type { Identity } from "../cert/identity.ts";
import { familyOf, type IpAddress } from "../netip/address.ts";

/**
 * Version of the certificate that a handshake to this address offers (protocol 3.7.1): what a re-handshake asks for, else
 * `pki.initiating_version`; 2 where only that can carry the address.
 */
export function versionFor(
  identity: Identity,
  target: IpAddress,
  wanted: CertificateVersion | undefined,
): CertificateVersion {
  const { certificates } = identity.credential;
  if (wanted !== undefined && certificates[wanted]) return wanted;
  if (identity.initiatingVersion === 1 && familyOf(target) === 6 && certificates[2]) return 2;
  return identity.initiatingVersion;
}
