import { fromHex } from "../../../../src/core/base/bytes.ts";
import { type WallTime, wallTime } from "../../../../src/core/base/time.ts";
import type { Certificate, CertificateVersion } from "../../../../src/core/cert/certificate.ts";
import type { CertificateContent } from "../../../../src/core/cert/content.ts";
import { signedBytes } from "../../../../src/core/cert/decode.ts";
import { Banner, encodePem } from "../../../../src/core/cert/pem.ts";
import { assembleV1, encodeV1Details } from "../../../../src/core/cert/v1.ts";
import { assembleV2, encodeV2Details } from "../../../../src/core/cert/v2.ts";
import type { PemTexts } from "../../../../src/core/config/parse/pem-reference.ts";
import type { AgreementKey, SigningKey } from "../../../../src/core/crypto/suite.ts";
import { parsePrefix } from "../../../../src/core/netip/prefix.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";

/** The moment of the tests: 2026-11-20T12:00:00Z. */
export const NOW: WallTime = wallTime(1_795_176_000_000_000_000n);

const DAY = 86_400n;
const NOW_SECONDS = 1_795_176_000n;

export interface HostOptions {
  readonly version?: CertificateVersion;
  readonly name?: string;
  readonly networks?: readonly string[];
  readonly unsafeNetworks?: readonly string[];
  /** Days from the moment of the tests. */
  readonly from?: bigint;
  readonly until?: bigint;
  /** Makes the key pair; another number is another pair. */
  readonly keyNumber?: number;
}

/** An authority of its own, valid from a month ago for a year. Equal names are equal authorities. */
export class TestAuthority {
  readonly certificate: Certificate;
  readonly pem: string;
  readonly #key: SigningKey;

  constructor(name = "test ca") {
    const key = nodeSuite.signature("CURVE25519")?.load(nodeSuite.sha256(new TextEncoder().encode(name)));
    if (!key) throw new Error("the suite cannot sign");
    this.#key = key;
    this.certificate = this.#sign({
      version: 1,
      curve: "CURVE25519",
      name,
      networks: [],
      unsafeNetworks: [],
      groups: [],
      notBefore: NOW_SECONDS - 30n * DAY,
      notAfter: NOW_SECONDS + 365n * DAY,
      isCa: true,
      issuer: "",
      publicKey: key.publicKey,
    });
    this.pem = certificatePem(this.certificate);
  }

  /** A host's certificate as PEM. */
  host(options: HostOptions = {}): string {
    const {
      version = 1,
      name = "laptop",
      networks = ["10.77.0.2/24"],
      unsafeNetworks = [],
      from = -1n,
      until = 90n,
    } = options;
    const prefixes = (texts: readonly string[]) =>
      texts.map((text) => parsePrefix(text) ?? { address: text as never, bits: 0 });
    return certificatePem(
      this.#sign({
        version,
        curve: "CURVE25519",
        name,
        networks: prefixes(networks),
        unsafeNetworks: prefixes(unsafeNetworks),
        groups: ["laptops"],
        notBefore: NOW_SECONDS + from * DAY,
        notAfter: NOW_SECONDS + until * DAY,
        isCa: false,
        issuer: this.certificate.fingerprint,
        publicKey: hostKey(options.keyNumber).publicKey,
      }),
    );
  }

  #sign(content: CertificateContent): Certificate {
    const details = content.version === 1 ? encodeV1Details(content) : encodeV2Details(content);
    const signature = this.#key.sign(signedBytes({ ...content, details }));
    const certificate =
      content.version === 1
        ? assembleV1(nodeSuite, content, signature)
        : assembleV2(nodeSuite, content, details, signature);
    if (!certificate.ok) throw new Error(certificate.reason);
    return certificate.value;
  }
}

/** A host's private key as PEM. */
export function keyPem(keyNumber = 1): string {
  return encodePem(Banner.x25519PrivateKey, privateKey(keyNumber));
}

/** CA, certificate and key of one host that fit together. */
export function fittingPems(options: HostOptions = {}): Required<Omit<PemTexts, "sshd.host_key">> {
  const authority = new TestAuthority();
  return { "pki.ca": authority.pem, "pki.cert": authority.host(options), "pki.key": keyPem(options.keyNumber) };
}

function hostKey(keyNumber = 1): AgreementKey {
  const key = nodeSuite.agreement("CURVE25519")?.load(privateKey(keyNumber));
  if (!key) throw new Error("the suite cannot agree on keys");
  return key;
}

function privateKey(keyNumber: number): Uint8Array {
  return nodeSuite.sha256(fromHex(keyNumber.toString(16).padStart(8, "0")) ?? new Uint8Array());
}

function certificatePem({ version, encoded }: Certificate): string {
  return encodePem(version === 1 ? Banner.certificateV1 : Banner.certificateV2, encoded);
}
