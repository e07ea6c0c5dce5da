import { type PackedBytes, packed, unpacked } from "../base/packed.ts";
import type { Certificate, CertificateViews } from "./certificate.ts";
import { viewsOf } from "./views.ts";

/**
 * A certificate that a tunnel keeps, and hosts have thousands of: what is asked again and again as it was read, and its bytes packed, once. Its parts are looked up in
 * them when somebody asks.
 */
export class KeptCertificate implements Certificate {
  readonly version: Certificate["version"];
  readonly curve: Certificate["curve"];
  readonly name: string;
  readonly networks: Certificate["networks"];
  readonly unsafeNetworks: Certificate["unsafeNetworks"];
  readonly groups: readonly string[];
  readonly notBefore: bigint;
  readonly notAfter: bigint;
  readonly isCa: boolean;
  readonly issuer: Certificate["issuer"];
  readonly fingerprint: Certificate["fingerprint"];
  readonly #encoded: PackedBytes;

  constructor(certificate: Certificate) {
    this.version = certificate.version;
    this.curve = certificate.curve;
    this.name = certificate.name;
    this.networks = certificate.networks;
    this.unsafeNetworks = certificate.unsafeNetworks;
    this.groups = certificate.groups;
    this.notBefore = certificate.notBefore;
    this.notAfter = certificate.notAfter;
    this.isCa = certificate.isCa;
    this.issuer = certificate.issuer;
    this.fingerprint = certificate.fingerprint;
    this.#encoded = packed(certificate.encoded);
  }

  get encoded(): Uint8Array {
    return unpacked(this.#encoded);
  }

  get details(): Uint8Array {
    return this.#views().details;
  }

  get publicKey(): Uint8Array {
    return this.#views().publicKey;
  }

  get signature(): Uint8Array {
    return this.#views().signature;
  }

  #views(): CertificateViews {
    return viewsOf(this.version, this.encoded);
  }
}
