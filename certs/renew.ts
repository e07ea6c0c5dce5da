import type { Result } from "../src/core/base/result.ts";
import type { Certificate } from "../src/core/cert/certificate.ts";
import { isSignedBy } from "../src/core/cert/decode.ts";
import { portableSuite } from "../src/core/crypto/portable.ts";
import type { Authority } from "./authority.ts";
import { issue } from "./issue.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** What is new about a certificate that is signed again. */
export interface Renewal {
  /** Unix seconds. */
  readonly notBefore: bigint;
  /** As long as the old one was when it is left out, but not past the authority's end. */
  readonly notAfter?: bigint;
  /** Authorities whose signature on the old certificate counts beside the signing one's: while CAs are exchanged. */
  readonly formerAuthorities?: readonly Certificate[];
}

/**
 * The same name, addresses, groups and key for another time. The old certificate may have expired; that an authority once vouched for what it says
 * is checked, or whoever brings a file would choose their own groups.
 */
export function renew(authority: Authority, old: Certificate, renewal: Renewal): Result<Certificate, Refusal> {
  const what = `the certificate ${JSON.stringify(old.name)}`;
  if (old.isCa) return refuse(what, "it is a CA's", "make a new CA with ca: hosts have to trust both for a while");
  const issuers = [authority.certificate, ...(renewal.formerAuthorities ?? [])];
  if (!issuers.some((issuer) => isIssuedBy(old, issuer))) {
    return refuse(what, "this authority has not signed it", "give the authority that has with -old-ca, or use sign");
  }
  const last = authority.certificate.notAfter - 1n;
  const sameLength = renewal.notBefore + (old.notAfter - old.notBefore);
  const { name, version, curve, networks, unsafeNetworks, groups, publicKey } = old;
  return issue(authority, {
    name,
    version,
    curve,
    networks,
    unsafeNetworks,
    groups,
    publicKey,
    notBefore: renewal.notBefore,
    notAfter: renewal.notAfter ?? (sameLength < last ? sameLength : last),
  });
}

/** Whether this authority has signed the certificate, at whatever time. */
export function isIssuedBy(certificate: Certificate, authority: Certificate): boolean {
  return (
    certificate.issuer === authority.fingerprint &&
    certificate.curve === authority.curve &&
    isSignedBy(portableSuite, certificate, authority.publicKey)
  );
}
