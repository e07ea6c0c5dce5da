import { toHex, utf8Encode } from "../base/bytes.ts";
import { fail, ok, type Result } from "../base/result.ts";
import type { CryptoSuite } from "../crypto/suite.ts";
import { ProtobufReader, ProtobufWriter } from "../wire/protobuf.ts";

// What an authority tells its whole network. Hosts hand it to each other, so nothing about it depends on who brought it:
//
//   head      { 1 kind   2 number   3 issued at   4 signer   5 bytes of the body   6 SHA-256 of the body }
//   bulletin  { 1 head   2 signature over "Lacis bulletin 1\n" and the head   3 body }
//
// The head names the body by its hash, so that a host can check who speaks before it asks for more than these few bytes.

/** What a bulletin is about. Hosts carry kinds that they do not know: a newer authority may speak through older hosts. */
export const BulletinKind = {
  revocations: "revocations",
  policy: "policy",
  debugAccess: "debug-access",
} as const;

export interface BulletinHead {
  readonly kind: string;
  /** Of one kind and one signer, rising: a host never goes back to a lower one. */
  readonly number: number;
  /** Unix seconds. */
  readonly issuedAt: number;
  /** Public key of the authority. A renewed authority keeps its key, and speaks on. */
  readonly signer: Uint8Array;
  readonly bodyBytes: number;
  readonly bodyHash: Uint8Array;
}

/** A head as it travels. Decoded is not verified. */
export interface SignedHead extends BulletinHead {
  readonly encoded: Uint8Array;
  readonly signature: Uint8Array;
  /** Names the bulletin among all: SHA-256 of the encoded head in hex. */
  readonly id: string;
}

export interface Bulletin {
  readonly head: SignedHead;
  readonly body: Uint8Array;
}

/** Bytes of a body: a list of some three thousand revoked hosts, or a policy of ten thousand lines. */
export const BODY_BYTES_MAX: number = 512 * 1024;
/** Bytes of a head, and of its signature: they travel in one datagram. */
export const HEAD_BYTES_MAX = 256;
export const SIGNATURE_BYTES_MAX = 80;
/** Of a whole bulletin as it stands in a file. */
export const BULLETIN_BYTES_MAX: number = BODY_BYTES_MAX + HEAD_BYTES_MAX + SIGNATURE_BYTES_MAX + 64;

/** Bulletins of which only the newest counts have this in common. */
export function streamOf({ kind, signer }: Pick<BulletinHead, "kind" | "signer">): string {
  return `${kind} ${toHex(signer)}`;
}

/** What the signature covers. No certificate begins with "L" (protocol 4.2, 4.3), so neither signature can stand for the other. */
export function bulletinSignedBytes(encodedHead: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(DOMAIN.length + encodedHead.length);
  bytes.set(DOMAIN);
  bytes.set(encodedHead, DOMAIN.length);
  return bytes;
}

export function encodeHead({ kind, number, issuedAt, signer, bodyBytes, bodyHash }: BulletinHead): Uint8Array {
  return new ProtobufWriter()
    .bytes(Head.kind, utf8Encode(kind))
    .varint(Head.number, number)
    .varint(Head.issuedAt, issuedAt)
    .bytes(Head.signer, signer)
    .varint(Head.bodyBytes, bodyBytes)
    .bytes(Head.bodyHash, bodyHash)
    .finish();
}

/** Copies what it keeps: `encoded` may be a view of a datagram. */
export function decodeHead(suite: CryptoSuite, encoded: Uint8Array, signature: Uint8Array): Result<SignedHead, string> {
  if (encoded.length > HEAD_BYTES_MAX || signature.length > SIGNATURE_BYTES_MAX) return fail("the head is too long");
  const own = encoded.slice();
  const reader = new ProtobufReader(own);
  let [kind, number, issuedAt, bodyBytes] = ["", 0n, 0n, 0];
  let [signer, bodyHash] = [NOTHING, NOTHING];
  while (reader.next()) {
    if (reader.field === Head.kind) kind = reader.text();
    else if (reader.field === Head.number) number = reader.uint64();
    else if (reader.field === Head.issuedAt) issuedAt = reader.uint64();
    else if (reader.field === Head.signer) signer = reader.bytes();
    else if (reader.field === Head.bodyBytes) bodyBytes = reader.uint32();
    else if (reader.field === Head.bodyHash) bodyHash = reader.bytes();
  }
  if (reader.failed) return fail("the head is not well formed");
  if (!KIND.test(kind)) return fail("the kind is not a word");
  if (number < 1n || number > HIGHEST_NUMBER || issuedAt > HIGHEST_NUMBER) return fail("the number is out of range");
  if (bodyBytes > BODY_BYTES_MAX) return fail(`the body is longer than ${BODY_BYTES_MAX} bytes`);
  if (signer.length === 0 || bodyHash.length !== HASH_BYTES) return fail("the head is not complete");
  return ok({
    kind,
    number: Number(number),
    issuedAt: Number(issuedAt),
    signer,
    bodyBytes,
    bodyHash,
    encoded: own,
    signature: signature.slice(),
    id: toHex(suite.sha256(own)),
  });
}

export function encodeBulletin({ head, body }: Bulletin): Uint8Array {
  return new ProtobufWriter()
    .bytes(Whole.head, head.encoded)
    .bytes(Whole.signature, head.signature)
    .bytes(Whole.body, body)
    .finish();
}

export function decodeBulletin(suite: CryptoSuite, bytes: Uint8Array): Result<Bulletin, string> {
  if (bytes.length > BULLETIN_BYTES_MAX) return fail(`it is longer than ${BULLETIN_BYTES_MAX} bytes`);
  const reader = new ProtobufReader(bytes);
  let [encoded, signature, body] = [NOTHING, NOTHING, NOTHING];
  while (reader.next()) {
    if (reader.field === Whole.head) encoded = reader.bytes();
    else if (reader.field === Whole.signature) signature = reader.bytes();
    else if (reader.field === Whole.body) body = reader.bytes();
  }
  if (reader.failed) return fail("it is not well formed");
  const head = decodeHead(suite, encoded, signature);
  return head.ok ? ok({ head: head.value, body: body.slice() }) : head;
}

const Head = { kind: 1, number: 2, issuedAt: 3, signer: 4, bodyBytes: 5, bodyHash: 6 } as const;
const Whole = { head: 1, signature: 2, body: 3 } as const;

const NOTHING: Uint8Array = new Uint8Array();
const DOMAIN = utf8Encode("Lacis bulletin 1\n");
const KIND = /^[a-z][a-z0-9-]{0,31}$/;
const HASH_BYTES = 32;
/** What a double holds exactly. */
const HIGHEST_NUMBER: bigint = BigInt(Number.MAX_SAFE_INTEGER);
