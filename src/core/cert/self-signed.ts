import { toBase64 } from "../base/base64.ts";
import { concatBytes } from "../base/bytes.ts";
import type { Entropy } from "../base/entropy.ts";
import { derElement } from "../wire/der.ts";

/** A key on P-256 that TLS can use. */
export interface TlsKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** ECDSA with SHA-256 over these bytes, DER. */
  readonly sign: (bytes: Uint8Array) => Uint8Array;
}

/**
 * A certificate (X.509) that a key has signed itself, PEM: TLS does not go without one. Whoever connects does not look at it but knows the key, or
 * asks the session inside, so it names nobody and has no end.
 */
export function selfSigned({ publicKey, sign }: TlsKey, entropy: Entropy): string {
  const serial = concatBytes(Uint8Array.of(1), entropy.bytes(15));
  const toBeSigned = derElement(
    Tag.sequence,
    derElement(Tag.integer, serial),
    ECDSA_WITH_SHA256,
    NOBODY,
    derElement(Tag.sequence, ALWAYS.begin, ALWAYS.end),
    NOBODY,
    publicKey,
  );
  const signature = derElement(Tag.bits, Uint8Array.of(0), sign(toBeSigned));
  return textPem("CERTIFICATE", derElement(Tag.sequence, toBeSigned, ECDSA_WITH_SHA256, signature));
}

/** The SubjectPublicKeyInfo of an uncompressed point on P-256. */
export function p256PublicKeyInfo(point: Uint8Array): Uint8Array {
  const algorithm = derElement(Tag.sequence, EC_PUBLIC_KEY, PRIME256V1);
  return derElement(Tag.sequence, algorithm, derElement(Tag.bits, Uint8Array.of(0), point));
}

/** What stands between the dashes of `p256PrivateKeyPem`. */
export const P256_KEY_BANNER = "EC PRIVATE KEY";

/** A private key on P-256 as TLS libraries read it (RFC 5915), PEM. */
export function p256PrivateKeyPem(scalar: Uint8Array, point: Uint8Array): string {
  const key = derElement(
    Tag.sequence,
    derElement(Tag.integer, Uint8Array.of(1)),
    derElement(Tag.bytes, scalar),
    derElement(Tag.context0, PRIME256V1),
    derElement(Tag.context1, derElement(Tag.bits, Uint8Array.of(0), point)),
  );
  return textPem(P256_KEY_BANNER, key);
}

const Tag = {
  integer: 0x02,
  bits: 0x03,
  bytes: 0x04,
  oid: 0x06,
  time: 0x18,
  sequence: 0x30,
  context0: 0xa0,
  context1: 0xa1,
} as const;
/** 1.2.840.10045.2.1 */
const EC_PUBLIC_KEY = derElement(Tag.oid, Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01));
/** 1.2.840.10045.3.1.7 */
const PRIME256V1 = derElement(Tag.oid, Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07));
/** 1.2.840.10045.4.3.2 */
const ECDSA_WITH_SHA256 = derElement(
  Tag.sequence,
  derElement(Tag.oid, Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02)),
);
/** A name without parts. */
const NOBODY = derElement(Tag.sequence);
/** The last second of the year 9999 means that it has no end (RFC 5280 4.1.2.5). */
const ALWAYS = { begin: time("20200101000000Z"), end: time("99991231235959Z") };

function time(text: string): Uint8Array {
  return derElement(
    Tag.time,
    Uint8Array.from(text, (character) => character.charCodeAt(0)),
  );
}

/** PEM in lines of 64 characters (RFC 7468). */
function textPem(label: string, der: Uint8Array): string {
  const lines = toBase64(der).replaceAll(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
