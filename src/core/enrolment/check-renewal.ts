import { equalBytes } from "../base/bytes.ts";
import { fail, ok, type Result } from "../base/result.ts";
import type { WallTime } from "../base/time.ts";
import type { Certificate } from "../cert/certificate.ts";
import { parseCertificates } from "../cert/decode.ts";
import type { Identity } from "../cert/identity.ts";
import type { CryptoSuite } from "../crypto/suite.ts";
import { formatPrefixes } from "../netip/prefix.ts";

/**
 * The certificates of a service's answer, or why this host keeps those that it has. The service is not believed: an authority that this host trusts
 * by now must have signed them, for this host, its key and its addresses, and they must be worth having.
 */
export function checkRenewal(
  pem: string,
  identity: Identity,
  { suite, wall }: { readonly suite: CryptoSuite; readonly wall: WallTime },
): Result<readonly Certificate[], string> {
  const parsed = parseCertificates(pem, suite);
  if (!parsed.ok) return fail(`what it sent is no certificate: ${parsed.reason}`);
  const renewed = parsed.value;
  const ours = Object.values(identity.credential.certificates);
  for (const old of ours) {
    const isThere = renewed.filter(({ version }) => version === old.version).length === 1;
    if (!isThere) return fail(`it sent no certificate of version ${old.version}, or several, and this host has one`);
  }
  if (renewed.length !== ours.length) return fail("it sent more certificates than this host has");
  for (const certificate of renewed) {
    const why = refusalOf(certificate, identity, wall);
    if (why !== undefined) return fail(why);
  }
  return ok(renewed);
}

function refusalOf(renewed: Certificate, { credential, pool }: Identity, wall: WallTime): string | undefined {
  const old = credential.certificates[renewed.version];
  if (!old) return `it sent a certificate of version ${renewed.version}, which this host does not have`;
  if (renewed.curve !== old.curve || !equalBytes(renewed.publicKey, old.publicKey))
    return "it sent a certificate for another key";
  if (renewed.name !== old.name) return `it sent the certificate of ${JSON.stringify(renewed.name)}`;
  const networks = formatPrefixes(renewed.networks);
  if (networks !== formatPrefixes(old.networks)) return `the networks would change to ${networks}`;
  const verdict = pool.verify(renewed, wall);
  if (!verdict.ok) {
    const clock = verdict.reason.code === "not-yet-valid" ? ": this host's clock is behind the service's" : "";
    return `what it sent would be refused: ${verdict.reason.text}${clock}`;
  }
  // Another authority's may end sooner, and is what a change of authority is about.
  if (renewed.issuer === old.issuer && renewed.notAfter <= old.notAfter)
    return "it is valid no longer than the old one";
  return undefined;
}
