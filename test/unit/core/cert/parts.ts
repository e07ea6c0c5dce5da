import type { Certificate } from "../../../../src/core/cert/certificate.ts";

/** All that a certificate says, whichever way it is kept. */
export function partsOf(certificate: Certificate): Certificate {
  const { version, curve, name, networks, unsafeNetworks, groups, notBefore, notAfter, isCa, issuer } = certificate;
  const { publicKey, signature, details, encoded, fingerprint } = certificate;
  const read = { version, curve, name, networks, unsafeNetworks, groups, notBefore, notAfter, isCa, issuer };
  return { ...read, publicKey, signature, details, encoded, fingerprint };
}
