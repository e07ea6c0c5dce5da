import { equalBytes } from "../base/bytes.ts";
import { fail, ok, type Result } from "../base/result.ts";
import type { WallTime } from "../base/time.ts";
import type { AgreementKey, CryptoSuite, Curve } from "../crypto/suite.ts";
import type { IpAddress } from "../netip/address.ts";
import { comparePrefixes, formatPrefix, type Prefix } from "../netip/prefix.ts";
import type { CaPool } from "./ca-pool.ts";
import type { Certificate, CertificateVersion } from "./certificate.ts";
import { debugEndText } from "./debug-group.ts";
import { Banner, decodePem } from "./pem.ts";
import { untimely } from "./validity.ts";

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
  /** Networks behind this host for which it may speak, of the same certificate. */
  readonly unsafeNetworks: readonly Prefix[];
}

/** Why a host cannot use its own certificate and key. */
export interface CredentialRefusal {
  readonly code:
    | "no-certificate"
    | "version-twice"
    | "is-ca"
    | "no-network"
    | "expired"
    /** The certificate of a host that was let in to debug something. */
    | "access-ended"
    | "not-yet-valid"
    | "versions-differ"
    | "bad-signature"
    | "beyond-ca"
    | "key-unreadable"
    | "wrong-kind-of-key"
    | "key-does-not-fit";
  /** One sentence: what, and why. */
  readonly text: string;
}

export interface CredentialParts {
  /** Of `pki.cert`: one of version 1, one of version 2, or both. */
  readonly certificates: readonly Certificate[];
  /** Of `pki.key`. */
  readonly privateKeyPem: string;
}

/**
 * Checks that certificates and key make one identity (compatibility 1.1). A CA that the pool does not have is not held against them: while
 * CAs are exchanged, others may know it already. What every peer must refuse is refused here.
 */
export function loadCredential(
  suite: CryptoSuite,
  { certificates, privateKeyPem }: CredentialParts,
  pool: CaPool,
  at: WallTime,
): Result<Credential, CredentialRefusal> {
  for (const certificate of certificates) {
    const refusal = refusalOf(certificate, pool, at);
    if (refusal) return fail(refusal);
  }
  const [v1, second] = certificates.filter(({ version }) => version === 1);
  const [v2, third] = certificates.filter(({ version }) => version === 2);
  const main = v2 ?? v1;
  if (!main) return refuse("no-certificate", "there is no certificate");
  const twice = second ?? third;
  if (twice) return refuse("version-twice", `there are two certificates of version ${twice.version}`);
  const difference = v1 && v2 && differenceOf(v1, v2);
  if (difference) return refuse("versions-differ", `the certificates of version 1 and 2 differ in their ${difference}`);

  const key = loadHostKey(suite, main.curve, privateKeyPem);
  if (!key.ok) return key;
  if (!equalBytes(key.value.publicKey, main.publicKey)) {
    return refuse("key-does-not-fit", `the private key is not that of the certificate ${JSON.stringify(main.name)}`);
  }
  return ok({
    curve: main.curve,
    name: main.name,
    key: key.value,
    certificates: { ...(v1 && { 1: v1 }), ...(v2 && { 2: v2 }) },
    networks: main.networks,
    addresses: main.networks.map(({ address }) => address),
    unsafeNetworks: main.unsafeNetworks,
  });
}

function refusalOf(certificate: Certificate, pool: CaPool, at: WallTime): CredentialRefusal | undefined {
  const name = `the certificate ${JSON.stringify(certificate.name)}`;
  if (certificate.isCa) return { code: "is-ca", text: `${name} is a CA: a host needs one that a CA has signed for it` };
  if (certificate.networks.length === 0) return { code: "no-network", text: `${name} has no network` };
  const problem = untimely(certificate, at);
  const ended = problem?.code === "expired" ? debugEndText(certificate) : undefined;
  if (problem && ended !== undefined) return { code: "access-ended", text: ended };
  if (problem) return { code: problem.code, text: `${name} ${problem.text}` };

  const verdict = pool.verify(certificate, at);
  if (verdict.ok) return undefined;
  switch (verdict.reason.code) {
    case "bad-signature":
    case "curve-mismatch":
      return { code: "bad-signature", text: `${name} cannot be used: ${verdict.reason.text}` };
    case "outlives-ca":
    case "group-not-allowed":
    case "network-not-allowed":
    case "unsafe-network-not-allowed":
      return { code: "beyond-ca", text: `${name} cannot be used: ${verdict.reason.text}` };
    default:
      return undefined;
  }
}

function differenceOf(v1: Certificate, v2: Certificate): string | undefined {
  if (v1.curve !== v2.curve) return "curve";
  if (!equalBytes(v1.publicKey, v2.publicKey)) return "public key";
  const [first] = v1.networks;
  const [other] = v2.networks;
  if (first && other && comparePrefixes(first, other) === 0) return undefined;
  return `first network (${[first, other].map((network) => (network ? formatPrefix(network) : "none")).join(", ")})`;
}

function loadHostKey(suite: CryptoSuite, curve: Curve, pem: string): Result<AgreementKey, CredentialRefusal> {
  const blocks = decodePem(pem);
  if (!blocks.ok) return refuse("key-unreadable", `the private key cannot be read: ${blocks.reason}`);
  const [block, another] = blocks.value;
  if (!block || another) return refuse("key-unreadable", "there is more than one key");
  const expected = curve === "P256" ? Banner.p256PrivateKey : Banner.x25519PrivateKey;
  if (block.banner !== expected) {
    return refuse("wrong-kind-of-key", `the key is a ${block.banner}; this certificate needs a ${expected}`);
  }
  const key = suite.agreement(curve)?.load(block.bytes);
  return key
    ? ok(key)
    : refuse("key-unreadable", `the private key has ${block.bytes.length} bytes, not 32, or is not one`);
}

function refuse(
  code: CredentialRefusal["code"],
  text: string,
): { readonly ok: false; readonly reason: CredentialRefusal } {
  return fail({ code, text });
}
