import { fromHex, readUint32, toHex, utf8Decode, utf8Encode, writeUint32 } from "../base/bytes.ts";
import { fail, ok, type Result } from "../base/result.ts";
import type { CryptoSuite } from "../crypto/suite.ts";
import { addressBytes, addressFromBytes } from "../netip/address.ts";
import type { Prefix } from "../netip/prefix.ts";
import { ProtobufReader, ProtobufWriter } from "../wire/protobuf.ts";
import {
  type Certificate,
  type CertificateHead,
  type CertificateViews,
  certificateOf,
  type Fingerprint,
  type UnreadCertificate,
} from "./certificate.ts";
import {
  CERTIFICATE_BYTES_MAX,
  type CertificateContent,
  checkContent,
  excessiveList,
  FINGERPRINT_BYTES,
} from "./content.ts";

// Version 1 (protocol 4.2): protobuf { 1: details, 2: signature }. The signature covers the encoded details, the fingerprint the whole. The
// reference verifies what it encodes anew, so only the one canonical encoding exists: anything else is refused here.

/** Reads a certificate as it stands in a file. */
export function decodeV1(suite: CryptoSuite, bytes: Uint8Array): Result<Certificate, string> {
  const unread = openV1(suite, bytes);
  return unread.ok ? unread.value.read() : unread;
}

/** Takes a certificate apart: as it stands in a file, or in a handshake with the key that Noise has for it. */
export function openV1(
  suite: CryptoSuite,
  bytes: Uint8Array,
  handshakeKey?: Uint8Array,
): Result<UnreadCertificate, string> {
  if (bytes.length > CERTIFICATE_BYTES_MAX) return fail("the certificate is too long");
  const outer = new ProtobufReader(bytes);
  let details: Uint8Array = new Uint8Array();
  let signature: Uint8Array = new Uint8Array();
  while (outer.next()) {
    if (outer.field === Outer.details) details = outer.bytes();
    else if (outer.field === Outer.signature) signature = outer.bytes();
  }
  if (outer.failed) return fail("the certificate is not well formed");
  if (signature.length === 0) return fail("the certificate has no signature");
  const parsed = parseDetails(details);
  if (!parsed.ok) return parsed;
  const received = parsed.value;
  if (handshakeKey) {
    const { networks, unsafeNetworks, groups } = received;
    const lengths = { networks: networks.length / 2, unsafeNetworks: unsafeNetworks.length / 2, groups: groups.length };
    const excess = excessiveList(lengths);
    if (excess) return fail(excess);
  }
  if (!writeV1(received, signature).finishesAs(bytes)) return fail("the certificate is not in canonical form");
  if (handshakeKey && received.publicKey.length > 0)
    return fail("a certificate in a handshake must not carry its public key");
  return ok(sealed(suite, handshakeKey ? { ...received, publicKey: handshakeKey } : received, signature));
}

/** The certificate that these contents and this signature make. */
export function assembleV1(
  suite: CryptoSuite,
  content: CertificateContent,
  signature: Uint8Array,
): Result<Certificate, string> {
  const checked = checkContent(content);
  return checked.ok ? sealed(suite, detailsOf(content), signature).read() : checked;
}

/** The details, which are what the signature covers. An empty public key is left out: that is the handshake form. */
export function encodeV1Details(content: CertificateContent): Uint8Array {
  return writeDetails(new ProtobufWriter(), detailsOf(content)).finish();
}

/** The hash of the whole certificate. */
export function fingerprintV1(
  suite: CryptoSuite,
  { details, signature }: Pick<Certificate, "details" | "signature">,
): Fingerprint {
  return toHex(suite.sha256(encodeV1(details, signature))) as Fingerprint;
}

/** The same without its public key, which the handshake transfers anyway. */
export function handshakeFormV1({ details, signature }: Pick<Certificate, "details" | "signature">): Uint8Array {
  const reader = new ProtobufReader(details);
  const writer = new ProtobufWriter();
  const start = writer.open(Outer.details);
  for (let from = 0; reader.next(); from = reader.offset) {
    reader.skip();
    if (reader.field !== Details.publicKey) writer.append(details.subarray(from, reader.offset));
  }
  return writer.close(start).bytes(Outer.signature, signature).finish();
}

/** Details and signature as one message. */
export function encodeV1(details: Uint8Array, signature: Uint8Array): Uint8Array {
  return new ProtobufWriter().message(Outer.details, details).bytes(Outer.signature, signature).finish();
}

const NOTHING: Uint8Array = new Uint8Array();

const Outer = { details: 1, signature: 2 } as const;

const Details = {
  name: 1,
  networks: 2,
  unsafeNetworks: 3,
  groups: 4,
  notBefore: 5,
  notAfter: 6,
  publicKey: 7,
  isCa: 8,
  issuer: 9,
  curve: 100,
} as const;

/** The details as numbers and bytes: checked for their form, and for nothing that costs more than that. */
interface RawDetails extends Pick<Certificate, "curve" | "notBefore" | "notAfter" | "isCa" | "publicKey"> {
  readonly name: Uint8Array;
  /** Address and netmask in turn. */
  readonly networks: readonly number[];
  readonly unsafeNetworks: readonly number[];
  readonly groups: readonly Uint8Array[];
  readonly issuer: Uint8Array;
}

function parseDetails(bytes: Uint8Array): Result<RawDetails, string> {
  const reader = new ProtobufReader(bytes);
  const networks: number[] = [];
  const unsafeNetworks: number[] = [];
  const groups: Uint8Array[] = [];
  let name: Uint8Array = NOTHING;
  let notBefore = 0n;
  let notAfter = 0n;
  let publicKey: Uint8Array = NOTHING;
  let isCa = false;
  let issuer: Uint8Array = NOTHING;
  let curve = 0n;
  for (let before = 0; reader.next(); before = reader.field) {
    const { field } = reader;
    if (field < before || (field === before && field !== Details.groups))
      return fail("the certificate is not in canonical form");
    if (field === Details.name) name = reader.bytes();
    else if (field === Details.networks) reader.uint32s(networks, bytes.length);
    else if (field === Details.unsafeNetworks) reader.uint32s(unsafeNetworks, bytes.length);
    else if (field === Details.groups) groups.push(reader.bytes());
    else if (field === Details.notBefore) notBefore = reader.int64();
    else if (field === Details.notAfter) notAfter = reader.int64();
    else if (field === Details.publicKey) publicKey = reader.bytes();
    else if (field === Details.isCa) isCa = reader.bool();
    else if (field === Details.issuer) issuer = reader.bytes();
    else if (field === Details.curve) curve = reader.uint64();
    else return fail("the certificate is not in canonical form");
  }
  if (reader.failed) return fail("the details of the certificate are not well formed");
  if (curve > 1n) return fail(`curve ${curve} is not known`);
  if (issuer.length !== 0 && issuer.length !== FINGERPRINT_BYTES) return fail("the issuer is not a fingerprint");
  const isP256 = curve === 1n;
  return ok({
    curve: isP256 ? "P256" : "CURVE25519",
    name,
    networks,
    unsafeNetworks,
    groups,
    notBefore,
    notAfter,
    isCa,
    issuer,
    publicKey,
  });
}

/** The whole certificate. */
function writeV1(details: RawDetails, signature: Uint8Array): ProtobufWriter {
  const writer = new ProtobufWriter();
  const start = writer.open(Outer.details);
  return writeDetails(writer, details).close(start).bytes(Outer.signature, signature);
}

function writeDetails(writer: ProtobufWriter, details: RawDetails): ProtobufWriter {
  writer
    .bytes(Details.name, details.name)
    .packedUint32s(Details.networks, details.networks)
    .packedUint32s(Details.unsafeNetworks, details.unsafeNetworks);
  for (const group of details.groups) writer.message(Details.groups, group);
  return writer
    .varint(Details.notBefore, details.notBefore)
    .varint(Details.notAfter, details.notAfter)
    .bytes(Details.publicKey, details.publicKey)
    .varint(Details.isCa, details.isCa ? 1 : 0)
    .bytes(Details.issuer, details.issuer)
    .varint(Details.curve, details.curve === "P256" ? 1 : 0);
}

function detailsOf(content: CertificateContent): RawDetails {
  const { name, networks, unsafeNetworks, groups, issuer } = content;
  return {
    ...content,
    name: utf8Encode(name),
    networks: networks.flatMap(pairOf),
    unsafeNetworks: unsafeNetworks.flatMap(pairOf),
    groups: groups.map(utf8Encode),
    issuer: fromHex(issuer) ?? NOTHING,
  };
}

/** Encodes and hashes what the details say; the bytes that it keeps are its own. */
function sealed(suite: CryptoSuite, raw: RawDetails, signatureBytes: Uint8Array): UnreadCertificate {
  const encoded = writeV1(raw, signatureBytes).finish();
  const { publicKey, signature, details } = viewsOfV1(encoded);
  const head: CertificateHead = {
    version: 1,
    curve: raw.curve,
    notBefore: raw.notBefore,
    notAfter: raw.notAfter,
    isCa: raw.isCa,
    issuer: toHex(raw.issuer) as Fingerprint | "",
    publicKey,
    signature,
    details,
    fingerprint: toHex(suite.sha256(encoded)) as Fingerprint,
  };
  return { head, read: (issuer = head.issuer) => readContent(raw, { ...head, issuer }, encoded) };
}

function readContent(raw: RawDetails, head: CertificateHead, encoded: Uint8Array): Result<Certificate, string> {
  const name = utf8Decode(raw.name);
  const groups = raw.groups.map(utf8Decode);
  if (name === undefined || !areAllText(groups))
    return fail("the details of the certificate are not well formed: a text in them is not UTF-8");
  const networks = prefixesOf(raw.networks);
  const unsafeNetworks = prefixesOf(raw.unsafeNetworks);
  if (!networks || !unsafeNetworks) return fail("a network of the certificate is not an address and a netmask");
  const lists = { name, networks, unsafeNetworks, groups, encoded };
  const certificate = certificateOf(head, lists, head);
  const checked = checkContent(certificate);
  return checked.ok ? ok(certificate) : checked;
}

/** The parts of a certificate that we have encoded, where they stand in it. */
export function viewsOfV1(encoded: Uint8Array): CertificateViews {
  const views = { details: NOTHING, publicKey: NOTHING, signature: NOTHING };
  const outer = new ProtobufReader(encoded);
  while (outer.next()) {
    if (outer.field === Outer.details) views.details = outer.bytes();
    else if (outer.field === Outer.signature) views.signature = outer.bytes();
  }
  const inner = new ProtobufReader(views.details);
  while (inner.next()) if (inner.field === Details.publicKey) views.publicKey = inner.bytes();
  return views;
}

function areAllText(texts: readonly (string | undefined)[]): texts is readonly string[] {
  return !texts.includes(undefined);
}

/** Address and netmask, as two numbers. */
function pairOf({ address, bits }: Prefix): readonly [number, number] {
  return [readUint32(addressBytes(address), 0), netmask(bits)];
}

/** Undefined for an odd count or a mask with a hole. */
function prefixesOf(numbers: readonly number[]): Prefix[] | undefined {
  if (numbers.length % 2 !== 0) return undefined;
  const prefixes: Prefix[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    const mask = numbers[i + 1] ?? 0;
    const bits = Math.clz32(~mask);
    if (netmask(bits) !== mask) return undefined;
    const bytes = new Uint8Array(4);
    writeUint32(bytes, 0, numbers[i] ?? 0);
    const address = addressFromBytes(bytes);
    if (!address) return undefined;
    prefixes.push({ address, bits });
  }
  // A list that grew keeps room for sixteen more, and there is one for each host that is known.
  return prefixes.slice();
}

function netmask(bits: number): number {
  return bits === 0 ? 0 : (0xffff_ffff << (32 - bits)) >>> 0;
}
