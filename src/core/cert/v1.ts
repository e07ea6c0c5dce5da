import { equalBytes, fromHex, readUint32, toHex, utf8Encode, writeUint32 } from "../base/bytes.ts";
import { fail, ok, type Result } from "../base/result.ts";
import type { CryptoSuite } from "../crypto/suite.ts";
import { addressBytes, addressFromBytes } from "../netip/address.ts";
import type { Prefix } from "../netip/prefix.ts";
import { ProtobufReader, ProtobufWriter } from "../wire/protobuf.ts";
import type { Certificate, Fingerprint } from "./certificate.ts";
import { CERTIFICATE_BYTES_MAX, type CertificateContent, checkContent, FINGERPRINT_BYTES } from "./content.ts";

// Version 1 (protocol 4.2): protobuf { 1: details, 2: signature }. The signature covers the encoded details, the fingerprint the whole. The
// reference verifies what it encodes anew, so only the one canonical encoding exists: anything else is refused here.

/** Reads a certificate as it stands in a file, or in a handshake with the key that Noise has for it. */
export function decodeV1(
  suite: CryptoSuite,
  bytes: Uint8Array,
  handshakeKey?: Uint8Array,
): Result<Certificate, string> {
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
  const decoded = decodeDetails(details);
  if (!decoded.ok) return decoded;
  const received = decoded.value;
  if (!equalBytes(encodeV1(encodeV1Details(received), signature), bytes))
    return fail("the certificate is not in canonical form");
  if (handshakeKey && received.publicKey.length > 0)
    return fail("a certificate in a handshake must not carry its public key");
  return assembleV1(suite, handshakeKey ? { ...received, publicKey: handshakeKey } : received, signature);
}

/** The certificate that these contents and this signature make. */
export function assembleV1(
  suite: CryptoSuite,
  content: CertificateContent,
  signature: Uint8Array,
): Result<Certificate, string> {
  const checked = checkContent(content);
  if (!checked.ok) return checked;
  const details = encodeV1Details(content);
  const encoded = encodeV1(details, signature);
  const fingerprint = toHex(suite.sha256(encoded)) as Fingerprint;
  return ok({
    ...content,
    publicKey: content.publicKey.slice(),
    signature: signature.slice(),
    details,
    encoded,
    fingerprint,
  });
}

/** The details, which are what the signature covers. An empty public key is left out: that is the handshake form. */
export function encodeV1Details(content: CertificateContent): Uint8Array {
  const writer = new ProtobufWriter()
    .bytes(Details.name, utf8Encode(content.name))
    .packedUint32s(Details.networks, content.networks.flatMap(pairOf))
    .packedUint32s(Details.unsafeNetworks, content.unsafeNetworks.flatMap(pairOf));
  for (const group of content.groups) writer.message(Details.groups, utf8Encode(group));
  return writer
    .varint(Details.notBefore, content.notBefore)
    .varint(Details.notAfter, content.notAfter)
    .bytes(Details.publicKey, content.publicKey)
    .varint(Details.isCa, content.isCa ? 1 : 0)
    .bytes(Details.issuer, fromHex(content.issuer) ?? new Uint8Array())
    .varint(Details.curve, content.curve === "P256" ? 1 : 0)
    .finish();
}

/** Details and signature as one message. */
export function encodeV1(details: Uint8Array, signature: Uint8Array): Uint8Array {
  return new ProtobufWriter().message(Outer.details, details).bytes(Outer.signature, signature).finish();
}

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

function decodeDetails(bytes: Uint8Array): Result<CertificateContent, string> {
  const reader = new ProtobufReader(bytes);
  const networks: number[] = [];
  const unsafeNetworks: number[] = [];
  const groups: string[] = [];
  let name = "";
  let notBefore = 0n;
  let notAfter = 0n;
  let publicKey: Uint8Array = new Uint8Array();
  let isCa = false;
  let issuer: Uint8Array = new Uint8Array();
  let curve = 0n;
  while (reader.next()) {
    if (reader.field === Details.name) name = reader.text();
    else if (reader.field === Details.networks) reader.uint32s(networks, bytes.length);
    else if (reader.field === Details.unsafeNetworks) reader.uint32s(unsafeNetworks, bytes.length);
    else if (reader.field === Details.groups) groups.push(reader.text());
    else if (reader.field === Details.notBefore) notBefore = reader.int64();
    else if (reader.field === Details.notAfter) notAfter = reader.int64();
    else if (reader.field === Details.publicKey) publicKey = reader.bytes();
    else if (reader.field === Details.isCa) isCa = reader.bool();
    else if (reader.field === Details.issuer) issuer = reader.bytes();
    else if (reader.field === Details.curve) curve = reader.uint64();
  }
  if (reader.failed) return fail("the details of the certificate are not well formed");
  if (curve > 1n) return fail(`curve ${curve} is not known`);
  if (issuer.length !== 0 && issuer.length !== FINGERPRINT_BYTES) return fail("the issuer is not a fingerprint");
  const prefixes = prefixesOf(networks);
  const unsafePrefixes = prefixesOf(unsafeNetworks);
  if (!prefixes || !unsafePrefixes) return fail("a network of the certificate is not an address and a netmask");
  return ok({
    version: 1,
    curve: curve === 1n ? "P256" : "CURVE25519",
    name,
    networks: prefixes,
    unsafeNetworks: unsafePrefixes,
    groups,
    notBefore,
    notAfter,
    isCa,
    issuer: toHex(issuer) as Fingerprint | "",
    publicKey,
  });
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
  return prefixes;
}

function netmask(bits: number): number {
  return bits === 0 ? 0 : (0xffff_ffff << (32 - bits)) >>> 0;
}
