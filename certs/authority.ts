import { equalBytes } from "../src/core/base/bytes.ts";
import type { Entropy } from "../src/core/base/entropy.ts";
import { ok, type Result } from "../src/core/base/result.ts";
import type { WallTime } from "../src/core/base/time.ts";
import type { Certificate, CertificateVersion } from "../src/core/cert/certificate.ts";
import type { CertificateContent } from "../src/core/cert/content.ts";
import { isSignedBy } from "../src/core/cert/decode.ts";
import { untimely } from "../src/core/cert/validity.ts";
import { portableSuite } from "../src/core/crypto/portable.ts";
import type { Curve, SigningKey } from "../src/core/crypto/suite.ts";
import type { Prefix } from "../src/core/netip/prefix.ts";
import { readCertificates } from "./certificate-file.ts";
import { checkedRequest } from "./constraints.ts";
import { generateCaKey, readCaKey } from "./key-file.ts";
import { type Refusal, refuse } from "./refusal.ts";
import { signContent } from "./sign.ts";

/** A certificate authority, ready to sign: the only thing in this project that holds a CA key. */
export interface Authority {
  readonly certificate: Certificate;
  readonly key: SigningKey;
}

/** What a new CA's certificate is to say. The lists limit what it may sign; an empty one limits nothing. */
export interface AuthorityRequest {
  readonly name: string;
  readonly version?: CertificateVersion;
  readonly curve?: Curve;
  readonly networks?: readonly Prefix[];
  readonly unsafeNetworks?: readonly Prefix[];
  readonly groups?: readonly string[];
  /** Unix seconds. */
  readonly notBefore: bigint;
  readonly notAfter: bigint;
}

/** Makes a CA: a fresh key and a certificate that it signs itself. `privateKeyPem` is the one copy of the key. */
export function createAuthority(
  request: AuthorityRequest,
  entropy?: Entropy,
): Result<{ readonly authority: Authority; readonly privateKeyPem: string }, Refusal> {
  const what = `the CA ${JSON.stringify(request.name)}`;
  const curve = request.curve ?? "CURVE25519";
  const { key, privateKeyPem } = generateCaKey(curve, entropy);
  const content: CertificateContent = {
    version: request.version ?? 2,
    curve,
    name: request.name,
    networks: request.networks ?? [],
    unsafeNetworks: request.unsafeNetworks ?? [],
    groups: request.groups ?? [],
    notBefore: request.notBefore,
    notAfter: request.notAfter,
    isCa: true,
    issuer: "",
    publicKey: key.publicKey,
  };
  const checked = checkedRequest(content, what);
  if (!checked.ok) return checked;
  const certificate = signContent(content, key, what);
  return certificate.ok ? ok({ authority: { certificate: certificate.value, key }, privateKeyPem }) : certificate;
}

/** The two files of an authority, and what to call them in refusals. */
export interface AuthorityFiles {
  readonly certificatePem: string;
  readonly certificateFile: string;
  readonly keyPem: string;
  readonly keyFile: string;
}

/** Opens an existing CA: its key, the certificate of the file that belongs to it, and that it is valid now. */
export function openAuthority(files: AuthorityFiles, now: WallTime): Result<Authority, Refusal> {
  const { certificatePem, certificateFile, keyPem, keyFile } = files;
  const certificates = readAuthorityCertificates(certificatePem, certificateFile);
  if (!certificates.ok) return certificates;
  const key = readCaKey(keyPem, keyFile);
  if (!key.ok) return key;
  const own = certificates.value.filter(
    ({ curve, publicKey }) => key.value.curve === curve && equalBytes(key.value.key.publicKey, publicKey),
  );
  // A renewed authority has two certificates of one key: the one that is valid, and of those the one that is so for longest.
  const [certificate] = own.toSorted(
    (a, b) =>
      Number(untimely(a, now) !== undefined) - Number(untimely(b, now) !== undefined) ||
      Number(b.notAfter - a.notAfter),
  );
  if (!certificate) {
    const count = certificates.value.length;
    const whose = count === 1 ? certificateFile : `any of the ${count} authorities in ${certificateFile}`;
    return refuse(keyFile, `it is not the key of ${whose}`, "give the key that was made with this CA");
  }
  const checked = checkAuthority(certificate, certificateFile, now);
  return checked.ok ? ok({ certificate, key: key.value.key }) : checked;
}

/** That a file holds the certificate of an authority that could sign now, as far as that can be said without its key. */
export function checkAuthorityFile(pem: string, what: string, now: WallTime): Result<void, Refusal> {
  const certificates = readAuthorityCertificates(pem, what);
  if (!certificates.ok) return certificates;
  const checks = certificates.value.map((certificate) => checkAuthority(certificate, what, now));
  return checks.find(({ ok }) => ok) ?? checks[0] ?? ok(undefined);
}

/** The authorities of a file, of which there may be several after a change; at least one. */
function readAuthorityCertificates(pem: string, what: string): Result<readonly Certificate[], Refusal> {
  const certificates = readCertificates(pem, what);
  if (!certificates.ok) return certificates;
  const authorities = certificates.value.filter(({ isCa }) => isCa);
  if (authorities.length > 0) return ok(authorities);
  return refuse(what, "it is a host's certificate, not a CA's", "give the CA's with -ca-crt");
}

function checkAuthority(certificate: Certificate, what: string, now: WallTime): Result<void, Refusal> {
  if (!isSignedBy(portableSuite, certificate, certificate.publicKey)) {
    return refuse(what, "the CA is not signed by its own key", "restore the file from a backup");
  }
  const problem = untimely(certificate, now);
  return problem ? refuse(what, `the CA ${problem.text}`, "make a new CA, or set the clock") : ok(undefined);
}
