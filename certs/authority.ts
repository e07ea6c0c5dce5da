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

/** Opens an existing CA: its certificate (the first of the file), its key, that they belong together, and that it is valid now. */
export function openAuthority(files: AuthorityFiles, now: WallTime): Result<Authority, Refusal> {
  const { certificatePem, certificateFile, keyPem, keyFile } = files;
  const certificate = readAuthorityCertificate(certificatePem, certificateFile, now);
  if (!certificate.ok) return certificate;
  const { curve, publicKey } = certificate.value;
  const key = readCaKey(keyPem, keyFile);
  if (!key.ok) return key;
  if (key.value.curve !== curve || !equalBytes(key.value.key.publicKey, publicKey)) {
    return refuse(keyFile, `it is not the key of ${certificateFile}`, "give the key that was made with this CA");
  }
  return ok({ certificate: certificate.value, key: key.value.key });
}

/** The certificate of an authority that could sign now, without its key: the first of the file. */
export function readAuthorityCertificate(pem: string, what: string, now: WallTime): Result<Certificate, Refusal> {
  const certificates = readCertificates(pem, what);
  if (!certificates.ok) return certificates;
  const [certificate] = certificates.value;
  if (!certificate?.isCa) return refuse(what, "it is a host's certificate, not a CA's", "give the CA's with -ca-crt");
  if (!isSignedBy(portableSuite, certificate, certificate.publicKey)) {
    return refuse(what, "the CA is not signed by its own key", "restore the file from a backup");
  }
  const problem = untimely(certificate, now);
  return problem ? refuse(what, `the CA ${problem.text}`, "make a new CA, or set the clock") : ok(certificate);
}
