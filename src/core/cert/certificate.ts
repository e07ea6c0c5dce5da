import type { Brand } from "../base/brand.ts";
import type { Result } from "../base/result.ts";
import type { Curve } from "../crypto/suite.ts";
import type { IpAddress } from "../netip/address.ts";
import type { Prefix } from "../netip/prefix.ts";

export type CertificateVersion = 1 | 2;

/** Lower-case hex SHA-256 that names a certificate: protocol 4.2 (v1), 4.3 (v2). */
export type Fingerprint = Brand<string, "Fingerprint">;

/**
 * A decoded certificate. Decoded is not verified: only `CaPool.verify` makes a `VerifiedCertificate`.
 */
export interface Certificate {
  readonly version: CertificateVersion;
  readonly curve: Curve;
  readonly name: string;
  /** Overlay addresses with their network's prefix length, host bits kept. v2: sorted; v1: file order. */
  readonly networks: readonly Prefix[];
  readonly unsafeNetworks: readonly Prefix[];
  readonly groups: readonly string[];
  /** Unix seconds, inclusive at both ends. */
  readonly notBefore: bigint;
  readonly notAfter: bigint;
  readonly isCa: boolean;
  /** Fingerprint of the issuing CA; empty in a CA certificate. */
  readonly issuer: Fingerprint | "";
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
  /** v1: the encoded details; v2: the raw `A0` element. What the signature covers is derived from it. */
  readonly details: Uint8Array;
  /** The whole certificate as it stands in a file (v1: re-encoded protobuf; v2: DER). */
  readonly encoded: Uint8Array;
  readonly fingerprint: Fingerprint;
}

/** What a certificate says about itself apart from its name and lists: all that has to be known to check who signed it. */
export type CertificateHead = Pick<
  Certificate,
  | "version"
  | "curve"
  | "notBefore"
  | "notAfter"
  | "isCa"
  | "issuer"
  | "publicKey"
  | "signature"
  | "details"
  | "fingerprint"
>;

/** A certificate that was taken apart, and not read yet: what its lists say costs work that only a good signature is worth. */
export interface UnreadCertificate {
  readonly head: CertificateHead;
  /** `issuer`: the fingerprint in its head, as somebody has it already. */
  read(issuer?: Certificate["issuer"]): Result<Certificate, string>;
}

/** What is read of a certificate after its head. */
export type CertificateLists = Pick<Certificate, "name" | "networks" | "unsafeNetworks" | "groups" | "encoded">;

/** The parts of a certificate that are bytes, where they stand in it. */
export type CertificateViews = Pick<Certificate, "details" | "publicKey" | "signature">;

/**
 * Head and lists as one. Written out, because tunnels keep it: an object that is spread into another gets a layout of its own, which takes more
 * room than the object. `views`: of `encoded`, so that its bytes are kept once.
 */
export function certificateOf(head: CertificateHead, lists: CertificateLists, views: CertificateViews): Certificate {
  return {
    version: head.version,
    curve: head.curve,
    name: lists.name,
    networks: lists.networks,
    unsafeNetworks: lists.unsafeNetworks.length === 0 ? NONE : lists.unsafeNetworks,
    groups: lists.groups.length === 0 ? NONE : lists.groups,
    notBefore: head.notBefore,
    notAfter: head.notAfter,
    isCa: head.isCa,
    issuer: head.issuer,
    publicKey: views.publicKey,
    signature: views.signature,
    details: views.details,
    encoded: lists.encoded,
    fingerprint: head.fingerprint,
  };
}

const NONE: readonly never[] = [];

/** How many elements the lists of a certificate have. */
export interface ListLengths {
  readonly networks: number;
  readonly unsafeNetworks: number;
  readonly groups: number;
}

/** A certificate that a CA pool has accepted at some instant. Only `CaPool.verify` returns one, and its bytes are looked up when somebody asks. */
export interface VerifiedCertificate extends Omit<Certificate, keyof LookedUp>, LookedUp {
  readonly [verified]: true;
  /** Of its networks, in their order: there is at least one. */
  readonly addresses: readonly IpAddress[];
}

/** Accessors of a class: spread into another object they would be lost, so the compiler takes them out of what is spread. */
declare abstract class LookedUp {
  abstract get networks(): readonly Prefix[];
  abstract get notBefore(): bigint;
  abstract get notAfter(): bigint;
  abstract get fingerprint(): Fingerprint;
  abstract get publicKey(): Uint8Array;
  abstract get signature(): Uint8Array;
  abstract get details(): Uint8Array;
  abstract get encoded(): Uint8Array;
}

declare const verified: unique symbol;
