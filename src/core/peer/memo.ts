import { fromHex, toHex, utf8Decode, utf8Encode } from "../base/bytes.ts";
import { packed, unpacked } from "../base/packed.ts";
import { fail, ok, type Result } from "../base/result.ts";
import { type WallTime, wallTime } from "../base/time.ts";
import type { Certificate, CertificateVersion, Fingerprint } from "../cert/certificate.ts";
import { fromHandshakeForm, toHandshakeForm } from "../cert/handshake-form.ts";
import type { Cipher, CryptoSuite, Curve } from "../crypto/suite.ts";
import { type Endpoint, parseEndpoint } from "../netip/endpoint.ts";
import { ProtobufReader, ProtobufWriter } from "../wire/protobuf.ts";
import type { Message1Hash } from "./session.ts";

/**
 * What a control plane needs to take over a session that a data plane kept alive without it. Protobuf; only we read what we wrote, perhaps in
 * another version of ourselves: fields that a reader does not know are skipped, and whether it can be used is decided by what is in it. So a
 * field keeps its meaning for good; what changes gets another number.
 */
export interface SessionMemo {
  /** The peer's certificate. Decoded, not verified: that has to happen anew. */
  readonly peer: Certificate;
  readonly message1Hash: Message1Hash | undefined;
  readonly peerTime: bigint;
  readonly ownVersion: CertificateVersion;
  readonly ownFingerprint: Fingerprint;
  /** That of the configuration in those days. */
  readonly cipher: Cipher;
  /** When the handshake was done, for the age of the session. */
  readonly establishedAt: WallTime;
  /** Where else the peer may be found. */
  readonly endpoints: readonly Endpoint[];
}

/** For releases that take over nothing without exactly this number; we do not look at it. */
const FORMAT = 1;
/** Endpoints kept in a memo: a memo is sent to the data plane with every session. */
const ENDPOINTS_MAX = 10;

const Field = {
  format: 1,
  certificate: 2,
  certificateVersion: 3,
  publicKey: 4,
  message1Hash: 5,
  // 6: the answer to message 1, as others before this release kept it.
  peerTime: 7,
  ownVersion: 8,
  ownFingerprint: 9,
  establishedAt: 10,
  endpoint: 11,
  cipher: 12,
} as const;

const CIPHERS: readonly (Cipher | undefined)[] = [undefined, "aes", "chachapoly"];

export function encodeMemo(memo: SessionMemo): Uint8Array {
  const writer = new ProtobufWriter()
    .varint(Field.format, FORMAT)
    .bytes(Field.certificate, toHandshakeForm(memo.peer))
    .varint(Field.certificateVersion, memo.peer.version)
    .bytes(Field.publicKey, memo.peer.publicKey);
  if (memo.message1Hash !== undefined) writer.bytes(Field.message1Hash, unpacked(memo.message1Hash));
  writer
    .varint(Field.peerTime, memo.peerTime)
    .varint(Field.ownVersion, memo.ownVersion)
    .bytes(Field.ownFingerprint, fromHex(memo.ownFingerprint) ?? new Uint8Array(0))
    .varint(Field.establishedAt, memo.establishedAt);
  for (const endpoint of memo.endpoints.slice(0, ENDPOINTS_MAX)) writer.bytes(Field.endpoint, utf8Encode(endpoint));
  return writer.varint(Field.cipher, CIPHERS.indexOf(memo.cipher)).finish();
}

export function decodeMemo(suite: CryptoSuite, curve: Curve, bytes: Uint8Array): Result<SessionMemo, string> {
  const fields = readFields(bytes);
  if (!fields) return fail("the memo is not well formed");
  const version = asVersion(fields.certificateVersion);
  const ownVersion = asVersion(fields.ownVersion);
  if (!version || !ownVersion) return fail("the memo names no certificate version that is known here");
  const cipher = CIPHERS[fields.cipher];
  if (!cipher) return fail("the memo names no cipher that is known here");
  const peer = fromHandshakeForm(suite, { bytes: fields.certificate, version, publicKey: fields.publicKey, curve });
  if (!peer.ok) return peer;
  return ok({
    peer: peer.value,
    message1Hash: fields.message1Hash.length > 0 ? packed(fields.message1Hash) : undefined,
    peerTime: fields.peerTime,
    ownVersion,
    ownFingerprint: toHex(fields.ownFingerprint) as Fingerprint,
    cipher,
    establishedAt: wallTime(fields.establishedAt),
    endpoints: fields.endpoints,
  });
}

interface MemoFields {
  certificate: Uint8Array;
  certificateVersion: number;
  publicKey: Uint8Array;
  message1Hash: Uint8Array;
  peerTime: bigint;
  ownVersion: number;
  ownFingerprint: Uint8Array;
  establishedAt: bigint;
  endpoints: Endpoint[];
  cipher: number;
}

function readFields(bytes: Uint8Array): MemoFields | undefined {
  const none = new Uint8Array(0);
  const fields: MemoFields = {
    certificate: none,
    certificateVersion: 0,
    publicKey: none,
    message1Hash: none,
    peerTime: 0n,
    ownVersion: 0,
    ownFingerprint: none,
    establishedAt: 0n,
    endpoints: [],
    cipher: 0,
  };
  const reader = new ProtobufReader(bytes);
  while (reader.next()) readField(reader, fields);
  return reader.failed ? undefined : fields;
}

function readField(reader: ProtobufReader, fields: MemoFields): void {
  if (reader.field === Field.certificate) fields.certificate = reader.bytes().slice();
  else if (reader.field === Field.certificateVersion) fields.certificateVersion = reader.uint32();
  else if (reader.field === Field.publicKey) fields.publicKey = reader.bytes().slice();
  else if (reader.field === Field.message1Hash) fields.message1Hash = reader.bytes().slice();
  else if (reader.field === Field.peerTime) fields.peerTime = reader.uint64();
  else if (reader.field === Field.ownVersion) fields.ownVersion = reader.uint32();
  else if (reader.field === Field.ownFingerprint) fields.ownFingerprint = reader.bytes().slice();
  else if (reader.field === Field.establishedAt) fields.establishedAt = reader.uint64();
  else if (reader.field === Field.cipher) fields.cipher = reader.uint32();
  else if (reader.field === Field.endpoint && fields.endpoints.length < ENDPOINTS_MAX) readEndpoint(reader, fields);
}

function readEndpoint(reader: ProtobufReader, fields: MemoFields): void {
  const endpoint = parseEndpoint(utf8Decode(reader.bytes()) ?? "");
  if (endpoint) fields.endpoints.push(endpoint);
}

function asVersion(value: number): CertificateVersion | undefined {
  return value === 1 || value === 2 ? value : undefined;
}
