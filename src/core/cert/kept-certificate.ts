import { fromHex, toHex } from "../base/bytes.ts";
import { type PackedBytes, packed, unpacked } from "../base/packed.ts";
import type { Certificate, CertificateViews, Fingerprint } from "./certificate.ts";
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
  readonly isCa: boolean;
  readonly issuer: Certificate["issuer"];
  readonly #notBefore: KeptTime;
  readonly #notAfter: KeptTime;
  readonly #fingerprint: PackedBytes;
  readonly #encoded: PackedBytes;

  /** `groups`: its groups, in an array that others may have, too. */
  constructor(certificate: Certificate, groups: readonly string[]) {
    this.version = certificate.version;
    this.curve = certificate.curve;
    this.name = certificate.name;
    this.networks = certificate.networks;
    this.unsafeNetworks = certificate.unsafeNetworks;
    this.groups = groups;
    this.isCa = certificate.isCa;
    this.issuer = certificate.issuer;
    this.#notBefore = kept(certificate.notBefore);
    this.#notAfter = kept(certificate.notAfter);
    this.#fingerprint = packed(fromHex(certificate.fingerprint) ?? new Uint8Array());
    this.#encoded = packed(certificate.encoded);
  }

  get notBefore(): bigint {
    return BigInt(this.#notBefore);
  }

  get notAfter(): bigint {
    return BigInt(this.#notAfter);
  }

  get fingerprint(): Fingerprint {
    return toHex(unpacked(this.#fingerprint)) as Fingerprint;
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

/** Unix seconds. A number of 32 bits takes no memory of its own, as a bigint does; what does not fit stays one. */
type KeptTime = number | bigint;

function kept(seconds: bigint): KeptTime {
  return BigInt.asIntN(32, seconds) === seconds ? Number(seconds) : seconds;
}
