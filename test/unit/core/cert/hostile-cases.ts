import { type Authority, createAuthority, generateHostKey, parsePrefix } from "../../../../certs/index.ts";
import { concatBytes, fromHex, utf8Encode } from "../../../../src/core/base/bytes.ts";
import { Banner, encodePem } from "../../../../src/core/cert/pem.ts";
import { otherSignatureForm, P256_ORDER } from "../../../../src/core/crypto/ecdsa-signature.ts";
import { derElement, derInteger } from "../../../../src/core/wire/der.ts";
import { ProtobufWriter } from "../../../../src/core/wire/protobuf.ts";

/** A file that somebody made by hand, and whether it may be accepted. The signature is the authority's own wherever the case is not about it. */
export interface HostileCase {
  readonly what: string;
  readonly pem: string;
  /** May the certificate be accepted as a host's? */
  readonly accepted: boolean;
  readonly authority: Authority;
}

/** The hostile certificates of both versions, built byte by byte. They are valid around `now`, Unix seconds, unless they are about time. */
export function hostileCases(now: bigint): readonly HostileCase[] {
  return [...v1Cases(now), ...v2Cases(now), ...p256Cases(now)];
}

type Curve = "CURVE25519" | "P256";

function authorityOf(version: 1 | 2, curve: Curve, now: bigint): Authority {
  const networks = [parsePrefix("10.77.0.0/16")!];
  const made = createAuthority({ name: "ca", version, curve, networks, notBefore: now - 1000n, notAfter: now + 1000n });
  if (!made.ok) throw new Error(made.reason.why);
  return made.value.authority;
}

/** The fields of a v1 certificate's details, encoded, in order; a case puts others in their place. */
interface V1Fields {
  readonly name: Uint8Array;
  readonly networks: Uint8Array;
  readonly unsafeNetworks: Uint8Array;
  readonly groups: Uint8Array;
  readonly notBefore: Uint8Array;
  readonly notAfter: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly isCa: Uint8Array;
  readonly issuer: Uint8Array;
  readonly curve: Uint8Array;
}

const field = {
  bytes: (number: number, value: Uint8Array) => new ProtobufWriter().message(number, value).finish(),
  text: (number: number, value: string) => new ProtobufWriter().message(number, utf8Encode(value)).finish(),
  number: (number: number, value: bigint) => new ProtobufWriter().varint(number, value).finish(),
  packed: (number: number, ...values: readonly number[]) => new ProtobufWriter().packedUint32s(number, values).finish(),
};
const NOTHING: Uint8Array = new Uint8Array();
const ADDRESS = 0x0a4d0102;
const MASK = 0xffff0000;

function v1Cases(now: bigint): readonly HostileCase[] {
  const authority = authorityOf(1, "CURVE25519", now);
  const { publicKey } = generateHostKey("CURVE25519");
  const fields: V1Fields = {
    name: field.text(1, "host"),
    networks: field.packed(2, ADDRESS, MASK),
    unsafeNetworks: NOTHING,
    groups: NOTHING,
    notBefore: field.number(5, now - 500n),
    notAfter: field.number(6, now + 500n),
    publicKey: field.bytes(7, publicKey),
    isCa: NOTHING,
    issuer: field.bytes(9, fromHex(authority.certificate.fingerprint)!),
    curve: NOTHING,
  };
  const sign = (details: Uint8Array) =>
    concatBytes(field.bytes(1, details), field.bytes(2, authority.key.sign(details)));
  const made = (changes: Partial<V1Fields> = {}, after: Uint8Array = NOTHING) =>
    sign(concatBytes(...Object.values({ ...fields, ...changes }), after));
  const good = made();
  const cases: readonly (readonly [string, Uint8Array | string, boolean?])[] = [
    ["a good one, to prove the others", good, true],
    ["no name", made({ name: NOTHING }), true],
    ["an empty name that is written all the same", made({ name: field.text(1, "") })],
    ["two names", made({ name: concatBytes(field.text(1, "host"), field.text(1, "admin")) })],
    ["a name that is not UTF-8", made({ name: field.bytes(1, Uint8Array.of(0xff, 0xfe)) })],
    ["a name of 64 kB", made({ name: field.text(1, "n".repeat(65_536)) })],
    ["a NUL in the name", made({ name: field.text(1, "host\0.evil") }), true],
    ["text that runs backwards in the name", made({ name: field.text(1, "\u202etsoh") }), true],
    [
      "1,024 groups",
      made({ groups: concatBytes(...Array.from({ length: 1024 }, (_, i) => field.text(4, `g${i}`))) }),
      true,
    ],
    ["no network", made({ networks: NOTHING })],
    ["half a network", made({ networks: field.packed(2, ADDRESS) })],
    ["a netmask with a hole", made({ networks: field.packed(2, ADDRESS, 0xff00ff00) })],
    ["the address 0.0.0.0", made({ networks: field.packed(2, 0, 0) })],
    ["a network outside the authority's", made({ networks: field.packed(2, 0x0a4e0102, MASK) })],
    ["a network wider than the authority's", made({ networks: field.packed(2, ADDRESS, 0xfffe0000) })],
    ["the whole Internet", made({ networks: field.packed(2, ADDRESS, 0) })],
    [
      "networks that are not packed",
      made({ networks: concatBytes(field.number(2, BigInt(ADDRESS)), field.number(2, BigInt(MASK))) }),
    ],
    [
      "a network of 64-bit numbers",
      made({ networks: field.bytes(2, Uint8Array.from([...Array(9).fill(0xff), 1, 0x80, 0x80, 0xfc, 0xff, 0x0f])) }),
    ],
    [
      "a life that ends before it begins",
      made({ notBefore: field.number(5, now + 400n), notAfter: field.number(6, now - 400n) }),
    ],
    ["an end in the year 9999", made({ notAfter: field.number(6, 253_402_300_799n) })],
    ["a beginning before 1970", made({ notBefore: field.number(5, -1n) })],
    ["no times at all", made({ notBefore: NOTHING, notAfter: NOTHING })],
    ["an expired life", made({ notAfter: field.number(6, now - 1n) })],
    ["the CA flag on a host", made({ isCa: field.number(8, 1n) })],
    ["a CA flag of 2", made({ isCa: field.number(8, 2n) })],
    ["a CA flag that is written although it is false", made({ isCa: Uint8Array.of(0x40, 0) })],
    ["no issuer", made({ issuer: NOTHING })],
    ["an issuer of 31 bytes", made({ issuer: field.bytes(9, new Uint8Array(31)) })],
    ["an issuer that nobody knows", made({ issuer: field.bytes(9, new Uint8Array(32).fill(7)) })],
    ["two issuers", made({ issuer: concatBytes(field.bytes(9, new Uint8Array(32)), fields.issuer) })],
    ["no key", made({ publicKey: NOTHING })],
    ["a key of 31 bytes", made({ publicKey: field.bytes(7, publicKey.subarray(1)) })],
    ["a key of the other curve", made({ publicKey: field.bytes(7, generateHostKey("P256").publicKey) })],
    ["the other curve's number", made({ curve: field.number(100, 1n) })],
    ["a curve that does not exist", made({ curve: field.number(100, 2n) })],
    ["a field that nobody knows in what is signed", made({}, field.number(50, 1n))],
    ["fields in another order", sign(concatBytes(fields.networks, fields.name, ...Object.values(fields).slice(2)))],
    [
      "a number with needless bytes",
      made({
        notBefore: concatBytes(fields.notBefore.subarray(0, -1), Uint8Array.of(fields.notBefore.at(-1)! | 0x80, 0)),
      }),
    ],
    ["a signature of 63 bytes", concatBytes(field.bytes(1, detailsOf(good)), field.bytes(2, new Uint8Array(63)))],
    ["no signature", field.bytes(1, detailsOf(good))],
    [
      "a signature with S + L",
      concatBytes(field.bytes(1, detailsOf(good)), field.bytes(2, plusL(authority.key.sign(detailsOf(good))))),
    ],
    [
      "a signature whose R is of small order",
      concatBytes(field.bytes(1, detailsOf(good)), field.bytes(2, concatBytes(Uint8Array.of(1), new Uint8Array(63)))),
    ],
    ["bytes after the end", concatBytes(good, Uint8Array.of(0x18, 1))],
    ["the details twice", concatBytes(field.bytes(1, detailsOf(good)), good)],
    ["a length beyond the end", concatBytes(Uint8Array.of(0x0a, 0xff, 0x7f), good.subarray(2))],
    ["the banner of the other version", encodePem(Banner.certificateV2, good)],
    ["the banner of a key", encodePem(Banner.x25519PublicKey, good)],
    ["a certificate cut off in the middle", good.subarray(0, good.length >> 1)],
  ];
  return cases.map(([what, file, accepted = false]) => ({
    what: `v1: ${what}`,
    pem: typeof file === "string" ? file : encodePem(Banner.certificateV1, file),
    accepted,
    authority,
  }));
}

function v2Cases(now: bigint): readonly HostileCase[] {
  const authority = authorityOf(2, "CURVE25519", now);
  const { publicKey } = generateHostKey("CURVE25519");
  const prefix = (...bytes: readonly number[]) => derElement(0x04, Uint8Array.from(bytes));
  const elements = {
    name: derElement(0x80, utf8Encode("host")),
    networks: derElement(0xa1, prefix(10, 77, 1, 2, 16)),
    unsafeNetworks: NOTHING,
    groups: NOTHING,
    isCa: NOTHING,
    notBefore: derElement(0x85, derInteger(now - 500n)),
    notAfter: derElement(0x86, derInteger(now + 500n)),
    issuer: derElement(0x87, fromHex(authority.certificate.fingerprint)!),
  };
  const whole = (
    details: Uint8Array,
    key: Uint8Array = publicKey,
    after: Uint8Array = NOTHING,
    curve: Uint8Array = NOTHING,
  ) => {
    const signed = concatBytes(details, Uint8Array.of(curve.length === 0 ? 0 : curve.at(-1)!), key);
    return derElement(0x30, details, curve, derElement(0x82, key), derElement(0x83, authority.key.sign(signed)), after);
  };
  const made = (changes: Partial<typeof elements> = {}) =>
    whole(derElement(0xa0, ...Object.values({ ...elements, ...changes })));
  const good = made();
  const details = derElement(0xa0, ...Object.values(elements));
  const mapped = [...new Uint8Array(10), 0xff, 0xff, 10, 77, 1, 2];
  const cases: readonly (readonly [string, Uint8Array, boolean?])[] = [
    ["a good one, to prove the others", good, true],
    ["no name", made({ name: NOTHING })],
    ["an empty name", made({ name: derElement(0x80) })],
    ["a name of 254 bytes", made({ name: derElement(0x80, utf8Encode("n".repeat(254))) })],
    ["a name of 60 kB", made({ name: derElement(0x80, utf8Encode("n".repeat(60_000))) })],
    ["two names", made({ name: concatBytes(elements.name, elements.name) })],
    ["an IPv4 address in the form of IPv6", made({ networks: derElement(0xa1, prefix(...mapped, 112)) })],
    ["a prefix length of 33", made({ networks: derElement(0xa1, prefix(10, 77, 1, 2, 33)) })],
    ["a network of 6 bytes", made({ networks: derElement(0xa1, prefix(10, 77, 1, 2, 3, 16)) })],
    [
      "the same network twice",
      made({ networks: derElement(0xa1, prefix(10, 77, 1, 2, 16), prefix(10, 77, 1, 2, 16)) }),
    ],
    ["the address 0.0.0.0", made({ networks: derElement(0xa1, prefix(0, 0, 0, 0, 16)) })],
    ["the address ::", made({ networks: derElement(0xa1, prefix(...new Uint8Array(16), 64)) })],
    [
      "an IPv6 route without an IPv6 address",
      made({ unsafeNetworks: derElement(0xa2, prefix(...new Uint8Array(15), 1, 64)) }),
    ],
    ["a network outside the authority's", made({ networks: derElement(0xa1, prefix(10, 78, 1, 2, 16)) })],
    ["a list of networks that is empty", made({ networks: derElement(0xa1) })],
    ["a group without a name", made({ groups: derElement(0xa3, derElement(0x0c)) })],
    ["a group that is not UTF-8", made({ groups: derElement(0xa3, derElement(0x0c, Uint8Array.of(0xc0, 0x80))) })],
    [
      "1,024 groups",
      made({
        groups: derElement(0xa3, ...Array.from({ length: 1024 }, (_, i) => derElement(0x0c, utf8Encode(`g${i}`)))),
      }),
      true,
    ],
    ["the CA flag on a host", made({ isCa: derElement(0x84, Uint8Array.of(0xff)) })],
    ["a CA flag of two bytes", made({ isCa: derElement(0x84, Uint8Array.of(0, 0)) })],
    ["an end of nine bytes", made({ notAfter: derElement(0x86, Uint8Array.of(1, ...new Uint8Array(8))) })],
    ["an end with needless zeros", made({ notAfter: derElement(0x86, Uint8Array.of(0, 0), derInteger(now + 500n)) })],
    ["a beginning in the year 1", made({ notBefore: derElement(0x85, derInteger(-62_135_596_800n)) })],
    ["an end in the year 9999", made({ notAfter: derElement(0x86, derInteger(253_402_300_799n)) })],
    ["itself as its issuer", made({ issuer: NOTHING })],
    [
      "elements in another order",
      whole(derElement(0xa0, elements.networks, elements.name, elements.notBefore, elements.notAfter, elements.issuer)),
    ],
    ["a length in a longer form than needed", longForm(good)],
    ["a length without an end", concatBytes(Uint8Array.of(0x30, 0x80), good.subarray(3), Uint8Array.of(0, 0))],
    ["bytes after the end", concatBytes(good, Uint8Array.of(0))],
    ["a key that is not there", derElement(0x30, details, derElement(0x83, authority.key.sign(details)))],
    ["a key of 33 bytes", whole(details, concatBytes(publicKey, Uint8Array.of(0)))],
    ["a curve that does not exist", whole(details, publicKey, NOTHING, derElement(0x81, Uint8Array.of(9)))],
    ["two signatures", whole(details, publicKey, derElement(0x83, new Uint8Array(64)))],
  ];
  return cases.map(([what, file, accepted = false]) => ({
    what: `v2: ${what}`,
    pem: encodePem(Banner.certificateV2, file),
    accepted,
    authority,
  }));
}

function p256Cases(now: bigint): readonly HostileCase[] {
  const authority = authorityOf(2, "P256", now);
  const { publicKey } = generateHostKey("P256");
  const details = derElement(
    0xa0,
    derElement(0x80, utf8Encode("host")),
    derElement(0xa1, derElement(0x04, Uint8Array.of(10, 77, 1, 2, 16))),
    derElement(0x85, derInteger(now - 500n)),
    derElement(0x86, derInteger(now + 500n)),
    derElement(0x87, fromHex(authority.certificate.fingerprint)!),
  );
  const curve = derElement(0x81, Uint8Array.of(1));
  const signatureOf = (key: Uint8Array) => authority.key.sign(concatBytes(details, Uint8Array.of(1), key));
  const made = (key: Uint8Array, signature: Uint8Array = signatureOf(key)) =>
    derElement(0x30, details, curve, derElement(0x82, key), derElement(0x83, signature));
  const signature = signatureOf(publicKey);
  const rs = (r: bigint, s: bigint) =>
    derElement(0x30, derElement(0x02, derInteger(r)), derElement(0x02, derInteger(s)));
  const cases: readonly (readonly [string, Uint8Array, boolean?])[] = [
    ["a good one, to prove the others", made(publicKey), true],
    ["the other form of the signature", made(publicKey, otherSignatureForm(signature)!), true],
    ["a signature of zeros", made(publicKey, rs(0n, 0n))],
    ["a signature whose r is the group's order", made(publicKey, rs(P256_ORDER, 1n))],
    ["a signature with a negative s", made(publicKey, rs(1n, -1n))],
    [
      "a signature with needless zeros",
      made(publicKey, derElement(0x30, derElement(0x02, Uint8Array.of(0, 0, 1)), derElement(0x02, Uint8Array.of(1)))),
    ],
    ["a signature with bytes after it", made(publicKey, concatBytes(signature, Uint8Array.of(0)))],
    ["a signature of 64 raw bytes", made(publicKey, new Uint8Array(64).fill(1))],
    ["a compressed key", made(concatBytes(Uint8Array.of(2), publicKey.subarray(1, 33)))],
  ];
  return cases.map(([what, file, accepted = false]) => ({
    what: `P-256: ${what}`,
    pem: encodePem(Banner.certificateV2, file),
    accepted,
    authority,
  }));
}

/** What stands in field 1 of an encoded v1 certificate whose details have 128 to 16,383 bytes or fewer. */
function detailsOf(certificate: Uint8Array): Uint8Array {
  const [, first = 0, second = 0] = certificate;
  const [start, length] = first < 0x80 ? [2, first] : [3, (first & 0x7f) | (second << 7)];
  return certificate.slice(start, start + length);
}

/** The same Ed25519 signature with the group's order added to S: RFC 8032 section 5.1.7 refuses it. */
function plusL(signature: Uint8Array): Uint8Array {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  let s = order;
  for (let i = 0; i < 32; i++) s += BigInt(signature[32 + i]!) << BigInt(8 * i);
  const result = signature.slice();
  for (let i = 0; i < 32; i++) result[32 + i] = Number((s >> BigInt(8 * i)) & 0xffn);
  return result;
}

/** The outermost length with one byte more than it needs. */
function longForm(der: Uint8Array): Uint8Array {
  const [, first = 0, second = 0] = der;
  if (first !== 0x81) throw new Error("this certificate has 128 to 255 bytes");
  return concatBytes(Uint8Array.of(0x30, 0x82, 0, second), der.subarray(3));
}
