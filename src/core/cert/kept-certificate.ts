import { fromHex, toHex } from "../base/bytes.ts";
import { type PackedBytes, packed, unpacked } from "../base/packed.ts";
import type { SharedLists } from "../base/shared-lists.ts";
import type { IpAddress } from "../netip/address.ts";
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
  /** Of its networks, in their order. */
  readonly addresses: readonly IpAddress[];
  readonly unsafeNetworks: Certificate["unsafeNetworks"];
  readonly groups: readonly string[];
  readonly isCa: boolean;
  readonly issuer: Certificate["issuer"];
  readonly #bits: readonly number[];
  readonly #notBefore: KeptTime;
  readonly #notAfter: KeptTime;
  readonly #fingerprint: PackedBytes;
  readonly #encoded: PackedBytes;

  constructor(certificate: Certificate, lists: SharedLists) {
    this.version = certificate.version;
    this.curve = certificate.curve;
    this.name = certificate.name;
    this.addresses = certificate.networks.map(({ address }) => address);
    this.unsafeNetworks = certificate.unsafeNetworks;
    this.groups = lists.shared(certificate.groups);
    this.isCa = certificate.isCa;
    this.issuer = certificate.issuer;
    this.#bits = lists.shared(certificate.networks.map(({ bits }) => bits));
    this.#notBefore = kept(certificate.notBefore);
    this.#notAfter = kept(certificate.notAfter);
    this.#fingerprint = packed(fromHex(certificate.fingerprint) ?? new Uint8Array());
    this.#encoded = packed(certificate.encoded);
  }

  get networks(): Certificate["networks"] {
    return this.addresses.map((address, i) => ({ address, bits: this.#bits[i] ?? 0 }));
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
