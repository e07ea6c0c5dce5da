import { fromHex } from "../base/bytes.ts";

// What a public key on Curve25519 must not be (reliability R4). With a point of small order the result does not depend on the private key: a
// shared secret is zero, a signature holds for any message. Little endian; the top bit is not part of the coordinate.

/** u-coordinates below 2^255 of the points of small order on the Montgomery curve and its twist (RFC 7748 section 6.1). */
const SMALL_ORDER_U: readonly Uint8Array[] = points(
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
);

/** y-coordinates below p = 2^255 - 19 of the points of small order on the Edwards curve. */
const SMALL_ORDER_Y: readonly Uint8Array[] = points(
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
);

/** Bytes of a private and of a public key, for agreement and for signatures. */
export const CURVE25519_KEY_BYTES = 32;

/** Whether an X25519 public key has the right length and is not of small order. */
export function isX25519PublicKey(publicKey: Uint8Array): boolean {
  return publicKey.length === CURVE25519_KEY_BYTES && !SMALL_ORDER_U.some((point) => isCoordinate(point, publicKey));
}

/** Whether an Ed25519 public key has the right length and form (y < p, RFC 8032 section 5.1.3) and is not of small order. */
export function isEd25519PublicKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== CURVE25519_KEY_BYTES) return false;
  const top = (publicKey[31] ?? 0) & 0x7f;
  const isBelowP =
    top !== 0x7f || (publicKey[0] ?? 0) < 0xed || publicKey.subarray(1, 31).some((byte) => byte !== 0xff);
  return isBelowP && !SMALL_ORDER_Y.some((point) => isCoordinate(point, publicKey));
}

/** The points themselves, for tests of suites and peers. */
export function smallOrderPoints(curve: "X25519" | "Ed25519"): Uint8Array[] {
  return (curve === "X25519" ? SMALL_ORDER_U : SMALL_ORDER_Y).map((point) => point.slice());
}

function isCoordinate(point: Uint8Array, publicKey: Uint8Array): boolean {
  for (let i = 0; i < 31; i++) if (point[i] !== publicKey[i]) return false;
  return point[31] === ((publicKey[31] ?? 0) & 0x7f);
}

function points(...coordinates: readonly string[]): Uint8Array[] {
  return coordinates.map((hex) => fromHex(hex) ?? new Uint8Array());
}
