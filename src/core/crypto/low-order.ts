import { fromHex, toHex } from "../base/bytes.ts";

/**
 * The u-coordinates below 2^255 of the points of small order on Curve25519 and its twist: with any of them the shared secret is zero,
 * whatever the private key (RFC 7748 section 6.1; reliability R4). Little endian.
 */
const LOW_ORDER_POINTS: ReadonlySet<string> = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

/** Whether an X25519 public key has the right length and is not of low order. The top bit is not part of the coordinate. */
export function isX25519PublicKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== X25519_KEY_BYTES) return false;
  const coordinate = publicKey.slice();
  coordinate[31] = (coordinate[31] ?? 0) & 0x7f;
  return !LOW_ORDER_POINTS.has(toHex(coordinate));
}

/** The points themselves, for tests of suites and peers. */
export function lowOrderPoints(): Uint8Array[] {
  return [...LOW_ORDER_POINTS].map((hex) => fromHex(hex) ?? new Uint8Array());
}

/** Bytes of a private and of a public X25519 key. */
export const X25519_KEY_BYTES = 32;
