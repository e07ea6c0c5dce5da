import { concatBytes, equalBytes, fromHex, toHex, utf8Decode, utf8Encode } from "../base/bytes.ts";
import { fail, ok, type Result } from "../base/result.ts";
import type { CryptoSuite, Curve } from "../crypto/suite.ts";
import { addressBytes, addressFromBytes, familyOf } from "../netip/address.ts";
import { type Prefix, sortedPrefixes } from "../netip/prefix.ts";
import { countDerElements, DerReader, derElement, derInteger, parseDerInteger } from "../wire/der.ts";
import {
  type Certificate,
  type CertificateHead,
  type CertificateViews,
  certificateOf,
  type Fingerprint,
  type ListLengths,
  type UnreadCertificate,
} from "./certificate.ts";
import {
  CERTIFICATE_BYTES_MAX,
  type CertificateContent,
  checkContent,
  excessiveList,
  FINGERPRINT_BYTES,
} from "./content.ts";

// Version 2 (protocol 4.3): DER with implicit context tags.
//
//   30 { A0 details, 81 curve (left out when 0), 82 public key, 83 signature }
//   details: 80 name, A1 networks, A2 unsafe networks, A3 groups, 84 is CA, 85 not before, 86 not after, 87 issuer
//
// Signature: details || curve || public key. Fingerprint: the same and the signature. `details` stays the bytes it came in: it is never
// encoded anew, and may hold fields of later releases.

/** What the handshake leaves out of a certificate. */
export interface HandshakeKey {
  readonly publicKey: Uint8Array;
  readonly curve: Curve;
}

/** Reads a certificate as it stands in a file. */
export function decodeV2(suite: CryptoSuite, bytes: Uint8Array): Result<Certificate, string> {
  const unread = openV2(suite, bytes);
  return unread.ok ? unread.value.read() : unread;
}

/** Takes a certificate apart: as it stands in a file, or in a handshake with the key that Noise has for it. */
export function openV2(
  suite: CryptoSuite,
  bytes: Uint8Array,
  handshakeKey?: HandshakeKey,
): Result<UnreadCertificate, string> {
  if (bytes.length > CERTIFICATE_BYTES_MAX) return fail("the certificate is too long");
  const outer = new DerReader(bytes);
  const reader = new DerReader(outer.read(Tag.sequence) ?? NOTHING);
  const details = reader.readWhole(Tag.details);
  const curveBytes = reader.readOptional(Tag.curve);
  if (handshakeKey && reader.next(Tag.publicKey))
    return fail("a certificate in a handshake must not carry its public key");
  const publicKey = handshakeKey ? handshakeKey.publicKey : reader.read(Tag.publicKey);
  const signature = reader.read(Tag.signature);
  if (outer.failed || reader.failed || !details || !publicKey || !signature)
    return fail("the certificate is not well formed");
  if (!outer.atEnd || !reader.atEnd) return fail("there are bytes after the certificate's signature");
  if (signature.length === 0) return fail("the certificate has no signature");

  const curve = curveBytes ? curveOf(curveBytes) : (handshakeKey?.curve ?? "CURVE25519");
  if (!curve) return fail("the certificate's curve is not known");
  const parsed = parseDetails(details.content);
  if (!parsed.ok) return parsed;
  const excess = handshakeKey && excessiveList(lengthsOf(parsed.value));
  if (excess) return fail(excess);
  const unread = sealed(suite, parsed.value, { details: details.raw, curve, publicKey, signature });
  if (handshakeKey || equalBytes(encodeV2(unread.head), bytes)) return ok(unread);
  return fail("the certificate is not in canonical form");
}

/** The certificate that these contents, encoded as `details`, and this signature make. */
export function assembleV2(
  suite: CryptoSuite,
  content: CertificateContent,
  details: Uint8Array,
  signature: Uint8Array,
): Result<Certificate, string> {
  const checked = checkContent(content);
  if (!checked.ok) return checked;
  const { curve, publicKey } = content;
  return completed(content, headOf(suite, content, { details, curve, publicKey, signature }));
}

/** The parts of a certificate as they are hashed, signed and laid out. */
export interface V2Parts {
  readonly details: Uint8Array;
  readonly curve: Curve;
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
}

/** The bytes that the signature covers: the curve is always there, even where the DER leaves it out. */
export function signedBytesV2({ details, curve, publicKey }: Omit<V2Parts, "signature">): Uint8Array {
  return concatBytes(details, curveByte(curve), publicKey);
}

/** Not the hash of the DER (protocol 13.29). */
export function fingerprintV2(suite: CryptoSuite, parts: V2Parts): Fingerprint {
  return toHex(suite.sha256(parts.details, curveByte(parts.curve), parts.publicKey, parts.signature)) as Fingerprint;
}

/** The DER of a certificate; without its public key it is the handshake form, which has no curve either. */
export function encodeV2(parts: Omit<V2Parts, "publicKey"> & { readonly publicKey?: Uint8Array }): Uint8Array {
  const { details, curve, publicKey, signature } = parts;
  return derElement(
    Tag.sequence,
    details,
    publicKey && curve === "P256" ? derElement(Tag.curve, curveByte(curve)) : NOTHING,
    publicKey ? derElement(Tag.publicKey, publicKey) : NOTHING,
    derElement(Tag.signature, signature),
  );
}

/** The `A0` element. Networks are written in order. */
export function encodeV2Details(content: CertificateContent): Uint8Array {
  const { name, networks, unsafeNetworks, groups, isCa, notBefore, notAfter, issuer } = content;
  return derElement(
    Tag.details,
    derElement(Tag.name, utf8Encode(name)),
    listElement(Tag.networks, sortedPrefixes(networks).map(encodePrefix)),
    listElement(Tag.unsafeNetworks, sortedPrefixes(unsafeNetworks).map(encodePrefix)),
    listElement(
      Tag.groups,
      groups.map((group) => derElement(Tag.utf8String, utf8Encode(group))),
    ),
    isCa ? derElement(Tag.isCa, Uint8Array.of(0xff)) : NOTHING,
    derElement(Tag.notBefore, derInteger(notBefore)),
    derElement(Tag.notAfter, derInteger(notAfter)),
    issuer ? derElement(Tag.issuer, fromHex(issuer) ?? NOTHING) : NOTHING,
  );
}

const Tag = {
  sequence: 0x30,
  octetString: 0x04,
  utf8String: 0x0c,
  // of the certificate
  details: 0xa0,
  curve: 0x81,
  publicKey: 0x82,
  signature: 0x83,
  // of the details
  name: 0x80,
  networks: 0xa1,
  unsafeNetworks: 0xa2,
  groups: 0xa3,
  isCa: 0x84,
  notBefore: 0x85,
  notAfter: 0x86,
  issuer: 0x87,
} as const;

const NOTHING: Uint8Array = new Uint8Array();

/** The details, their lists unread. */
interface RawDetails extends Pick<Certificate, "isCa" | "issuer" | "notBefore" | "notAfter"> {
  readonly name: Uint8Array;
  readonly networks: Uint8Array;
  readonly unsafeNetworks: Uint8Array;
  readonly groups: Uint8Array;
}

function parseDetails(bytes: Uint8Array): Result<RawDetails, string> {
  const reader = new DerReader(bytes);
  const name = reader.read(Tag.name);
  const networks = reader.readOptional(Tag.networks) ?? NOTHING;
  const unsafeNetworks = reader.readOptional(Tag.unsafeNetworks) ?? NOTHING;
  const groups = reader.readOptional(Tag.groups) ?? NOTHING;
  const isCaBytes = reader.readOptional(Tag.isCa);
  const notBefore = decodeTime(reader.read(Tag.notBefore));
  const notAfter = decodeTime(reader.read(Tag.notAfter));
  const issuer = reader.readOptional(Tag.issuer);
  if (reader.failed || !name) return fail("the details of the certificate are not well formed");
  if (notBefore === undefined || notAfter === undefined)
    return fail("a time of the certificate is not a 64-bit number");
  if (isCaBytes && isCaBytes.length !== 1) return fail("the CA mark is not one byte");
  if (issuer && issuer.length !== FINGERPRINT_BYTES) return fail("the issuer is not a fingerprint");
  return ok({
    name,
    networks,
    unsafeNetworks,
    groups,
    isCa: isCaBytes !== undefined && isCaBytes[0] !== 0,
    notBefore,
    notAfter,
    issuer: issuer ? (toHex(issuer) as Fingerprint) : "",
  });
}

function lengthsOf({ networks, unsafeNetworks, groups }: RawDetails): ListLengths {
  return {
    networks: countDerElements(networks),
    unsafeNetworks: countDerElements(unsafeNetworks),
    groups: countDerElements(groups),
  };
}

/** Hashes what the details say. */
function sealed(suite: CryptoSuite, raw: RawDetails, parts: V2Parts): UnreadCertificate {
  const head = headOf(suite, raw, parts);
  return { head, read: (issuer = head.issuer) => readContent(raw, { ...head, issuer }) };
}

/** The bytes that it keeps are its own. */
function headOf(
  suite: CryptoSuite,
  { notBefore, notAfter, isCa, issuer }: Pick<Certificate, "isCa" | "issuer" | "notBefore" | "notAfter">,
  parts: V2Parts,
): CertificateHead {
  const { curve } = parts;
  const own = {
    details: parts.details.slice(),
    publicKey: parts.publicKey.slice(),
    signature: parts.signature.slice(),
  };
  const fingerprint = fingerprintV2(suite, parts);
  return { version: 2, curve, notBefore, notAfter, isCa, issuer, ...own, fingerprint };
}

function readContent(raw: RawDetails, head: CertificateHead): Result<Certificate, string> {
  const name = utf8Decode(raw.name);
  const networks = decodeList(raw.networks, Tag.octetString, decodePrefix);
  const unsafeNetworks = decodeList(raw.unsafeNetworks, Tag.octetString, decodePrefix);
  const groups = decodeList(raw.groups, Tag.utf8String, utf8Decode);
  if (name === undefined) return fail("the certificate's name is not UTF-8");
  if (!networks || !unsafeNetworks) return fail("a network of the certificate is not an address and a prefix length");
  if (!groups) return fail("a group of the certificate is not UTF-8");
  const content = { ...head, name, networks, unsafeNetworks, groups };
  const checked = checkContent(content);
  return checked.ok ? completed(content, head) : checked;
}

function completed(
  { name, networks, unsafeNetworks, groups }: CertificateContent,
  head: CertificateHead,
): Result<Certificate, string> {
  const encoded = encodeV2(head);
  if (encoded.length > CERTIFICATE_BYTES_MAX) return fail("the certificate is too long");
  const lists = { networks: sortedPrefixes(networks), unsafeNetworks: sortedPrefixes(unsafeNetworks), groups };
  return ok(certificateOf(head, { name, ...lists, encoded }, viewsOfV2(encoded)));
}

/** The parts of a certificate that we have encoded, where they stand in it. */
export function viewsOfV2(encoded: Uint8Array): CertificateViews {
  const reader = new DerReader(new DerReader(encoded).read(Tag.sequence) ?? NOTHING);
  const details = reader.readWhole(Tag.details)?.raw ?? NOTHING;
  reader.readOptional(Tag.curve);
  const publicKey = reader.read(Tag.publicKey) ?? NOTHING;
  return { details, publicKey, signature: reader.read(Tag.signature) ?? NOTHING };
}

/** Undefined when an element is not what it should be. */
function decodeList<Value>(
  bytes: Uint8Array,
  tag: number,
  decode: (content: Uint8Array) => Value | undefined,
): Value[] | undefined {
  const reader = new DerReader(bytes);
  const values: Value[] = [];
  while (!reader.atEnd) {
    const content = reader.read(tag);
    const value = content && decode(content);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

/** Address bytes and one byte of prefix length. IPv4-mapped addresses do not exist in certificates. */
function decodePrefix(content: Uint8Array): Prefix | undefined {
  const addressLength = content.length - 1;
  const address = addressFromBytes(content.subarray(0, addressLength));
  const bits = content[addressLength] ?? 0;
  if (!address || (familyOf(address) === 4) !== (addressLength === 4)) return undefined;
  return bits <= 8 * addressLength ? { address, bits } : undefined;
}

function encodePrefix({ address, bits }: Prefix): Uint8Array {
  return derElement(Tag.octetString, addressBytes(address), Uint8Array.of(bits));
}

function decodeTime(content: Uint8Array | undefined): bigint | undefined {
  return content && content.length <= 8 ? parseDerInteger(content) : undefined;
}

function listElement(tag: number, elements: readonly Uint8Array[]): Uint8Array {
  return elements.length === 0 ? NOTHING : derElement(tag, ...elements);
}

function curveByte(curve: Curve): Uint8Array {
  return Uint8Array.of(curve === "P256" ? 1 : 0);
}

function curveOf(bytes: Uint8Array): Curve | undefined {
  if (bytes.length !== 1) return undefined;
  return bytes[0] === 0 ? "CURVE25519" : bytes[0] === 1 ? "P256" : undefined;
}
