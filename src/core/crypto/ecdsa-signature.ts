import { DerReader, derElement, derInteger, parseDerInteger } from "../wire/der.ts";

// An ECDSA signature as X9.62 writes it: SEQUENCE { INTEGER r, INTEGER s }. With (r, s) also (r, n - s) verifies, so that every P-256
// certificate has two fingerprints; issuers write the form with the lower s (protocol 4.7, reliability R1).

/** The order of the P-256 group. */
export const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The same signature with the other s; undefined when it is none. */
export function otherSignatureForm(der: Uint8Array): Uint8Array | undefined {
  const signature = decode(der);
  return signature && encode(signature.r, P256_ORDER - signature.s);
}

/** The form with s <= n/2; undefined when it is no signature. */
export function lowSignatureForm(der: Uint8Array): Uint8Array | undefined {
  const signature = decode(der);
  if (!signature) return undefined;
  const { r, s } = signature;
  return encode(r, s > P256_ORDER / 2n ? P256_ORDER - s : s);
}

/** Whether the bytes are a strictly encoded signature with r and s in 1..n-1. */
export function isEcdsaSignature(der: Uint8Array): boolean {
  return decode(der) !== undefined;
}

const SEQUENCE = 0x30;
const INTEGER = 0x02;

function decode(der: Uint8Array): { readonly r: bigint; readonly s: bigint } | undefined {
  const outer = new DerReader(der);
  const content = outer.read(SEQUENCE);
  if (!content || !outer.atEnd) return undefined;
  const inner = new DerReader(content);
  const r = readScalar(inner);
  const s = readScalar(inner);
  return r !== undefined && s !== undefined && inner.atEnd ? { r, s } : undefined;
}

function readScalar(reader: DerReader): bigint | undefined {
  const content = reader.read(INTEGER);
  const value = content && parseDerInteger(content);
  return value !== undefined && value > 0n && value < P256_ORDER ? value : undefined;
}

function encode(r: bigint, s: bigint): Uint8Array {
  return derElement(SEQUENCE, derElement(INTEGER, derInteger(r)), derElement(INTEGER, derInteger(s)));
}
