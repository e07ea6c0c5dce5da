import { fromBase64Url, toBase64Url } from "../base/base64.ts";
import {
  concatBytes,
  equalBytes,
  fromHex,
  readUint64,
  toHex,
  utf8Decode,
  utf8Encode,
  writeUint64,
} from "../base/bytes.ts";
import { formatDuration } from "../base/duration.ts";
import { ok, type Result } from "../base/result.ts";
import { Secret } from "../base/secret.ts";
import type { Fingerprint } from "../cert/certificate.ts";
import type { CryptoSuite, Curve } from "../crypto/suite.ts";
import { HOST_NAME, isServiceEndpoint, NETWORK_NAME } from "./name.ts";
import { type EnrolmentRefusal, enrolmentRefusal } from "./refusal.ts";

// What whoever invites a host hands over, as one line of text: "lacis1-" and base64url of
//
//     network     1 byte length, UTF-8
//     authority   32 bytes, fingerprint of the CA's certificate
//     serviceKey  32 bytes, SHA-256 of the service's public key (SubjectPublicKeyInfo)
//     endpoints   1 byte count, each 1 byte length, ASCII "host:port"
//     id          8 bytes
//     secret      16 bytes
//     expires     8 bytes, Unix seconds, big endian
//     host        1 byte length, ASCII; empty when the host may choose its name
//     curve       1 byte, 1: P-256; only behind "lacis2-", which networks of that curve have
//     checksum    4 bytes, the first of SHA-256 over the prefix and all of the above
//
// The checksum finds what was typed over or cut off; it proves nothing. The number in the prefix is that of the format.

/** An invitation to a network, for one host. */
export interface EnrolmentToken {
  readonly network: string;
  /** The authority that will sign the host: what the service answers must be signed by it. */
  readonly authority: Fingerprint;
  /** SHA-256 of the service's TLS key in hex: the only server that is spoken to. */
  readonly serviceKey: string;
  /** Where the service may be reached, "host:port". */
  readonly endpoints: readonly string[];
  /** Eight bytes in hex: names the token, and is no secret. */
  readonly id: string;
  /** 16 bytes. */
  readonly secret: Secret;
  /** Unix seconds. */
  readonly expires: bigint;
  /** The name that the host is to have; empty when it may choose. */
  readonly host: string;
  /** The curve of the authority, which the host's key must be of. Older tokens do not say it, and nor do those of Curve25519. */
  readonly curve?: Curve;
}

export type Sha256 = Pick<CryptoSuite, "sha256">;

export const TOKEN_PREFIX = "lacis1-";
/** Whoever joined a network of P-256 with the other had to know its curve. Those who cannot read it hear that it is newer. */
const TOKEN_PREFIX_P256 = "lacis2-";
const TOKEN_PREFIXES = [TOKEN_PREFIX, TOKEN_PREFIX_P256] as const;
const P256_BYTE = 1;
/** Places where a service may be. More would only be tried later. */
export const TOKEN_ENDPOINTS_MAX = 8;
/** Longer than the longest token with line breaks in it. */
const TOKEN_TEXT_MAX = 8_192;

const ID_BYTES = 8;
const SECRET_BYTES = 16;
const HASH_BYTES = 32;
const CHECKSUM_BYTES = 4;

/** The token as text. It holds the secret: for the eyes of whoever invites, and nowhere else. */
export function formatToken(token: EnrolmentToken, suite: Sha256): string {
  const expires = new Uint8Array(8);
  writeUint64(expires, 0, token.expires);
  const content = concatBytes(
    short(token.network),
    hexBytes(token.authority),
    hexBytes(token.serviceKey),
    Uint8Array.of(token.endpoints.length),
    ...token.endpoints.map(short),
    hexBytes(token.id),
    token.secret.expose(),
    expires,
    short(token.host),
    ...(token.curve === "P256" ? [Uint8Array.of(P256_BYTE)] : []),
  );
  const prefix = token.curve === "P256" ? TOKEN_PREFIX_P256 : TOKEN_PREFIX;
  return prefix + toBase64Url(concatBytes(content, checksumOf(prefix, content, suite)));
}

/** Reads a token, also one that a mail program has broken into lines. */
export function parseToken(text: string, suite: Sha256): Result<EnrolmentToken, EnrolmentRefusal> {
  const line = text.length > TOKEN_TEXT_MAX ? "" : text.replaceAll(/\s+/g, "");
  const [, version] = /^lacis(\d{1,3})-/.exec(line) ?? [];
  if (version === undefined) {
    const why = `it does not begin with ${TOKEN_PREFIXES.join(" or ")}`;
    return enrolmentRefusal("token-damaged", "the token", why, COPY_AGAIN);
  }
  const prefix = TOKEN_PREFIXES.find((known) => known === `lacis${version}-`);
  if (prefix === undefined) {
    // What fits behind one that we know was not made by anybody newer.
    const rest = line.slice(line.indexOf("-") + 1);
    if (TOKEN_PREFIXES.some((known) => contentOf(known, rest, suite) !== undefined)) return DAMAGED;
    return enrolmentRefusal("token-newer", "the token", "it was made by a newer Lacis", "upgrade this host first");
  }
  const content = contentOf(prefix, line.slice(prefix.length), suite);
  const token = content && decode(content, prefix === TOKEN_PREFIX_P256);
  return token ? ok(token) : DAMAGED;
}

/** What stands before the checksum; undefined where that does not fit. */
function contentOf(prefix: string, text: string, suite: Sha256): Uint8Array | undefined {
  const bytes = fromBase64Url(text);
  const content = bytes?.subarray(0, -CHECKSUM_BYTES);
  const fits = bytes && content && equalBytes(bytes.subarray(content.length), checksumOf(prefix, content, suite));
  return fits ? content : undefined;
}

/** What can be said of a token's time without asking: a clock that is wrong is for the service to notice. */
export function checkTokenTime(token: EnrolmentToken, nowSeconds: bigint): Result<void, EnrolmentRefusal> {
  if (nowSeconds <= token.expires) return ok(undefined);
  return tokenExpired(token.host, nowSeconds - token.expires);
}

/** The same words wherever it is noticed. */
export function tokenExpired(host: string, ago: bigint): { readonly ok: false; readonly reason: EnrolmentRefusal } {
  const again = `lacis invite${host === "" ? "" : ` ${host}`}`;
  return enrolmentRefusal(
    "token-expired",
    "the token",
    `it expired ${formatDuration(ago)} ago`,
    `ask for a new one (${again}), or set this clock if it is wrong`,
  );
}

const COPY_AGAIN = "copy the whole line again that lacis invite has printed";
const DAMAGED = enrolmentRefusal(
  "token-damaged",
  "the token",
  "it is damaged: its checksum does not fit, so a character is missing or was typed over",
  COPY_AGAIN,
);

function decode(content: Uint8Array, isP256: boolean): EnrolmentToken | undefined {
  const reader = new Reader(content);
  const network = reader.text();
  const authority = toHex(reader.bytes(HASH_BYTES)) as Fingerprint;
  const serviceKey = toHex(reader.bytes(HASH_BYTES));
  const count = reader.bytes(1)[0] ?? 0;
  if (count < 1 || count > TOKEN_ENDPOINTS_MAX) return undefined;
  const endpoints = Array.from({ length: count }, () => reader.text());
  const id = toHex(reader.bytes(ID_BYTES));
  const secret = reader.bytes(SECRET_BYTES);
  const expires = readUint64(reader.bytes(8), 0);
  const host = reader.text();
  const namesCurve = !isP256 || reader.bytes(1)[0] === P256_BYTE;
  const isGood =
    namesCurve &&
    reader.isAtEnd &&
    NETWORK_NAME.test(network) &&
    endpoints.every(isServiceEndpoint) &&
    (host === "" || HOST_NAME.test(host));
  if (!isGood) return undefined;
  const token = { network, authority, serviceKey, endpoints, id, secret: new Secret(secret.slice()), expires, host };
  return isP256 ? { ...token, curve: "P256" } : token;
}

/** Bytes one after the other; past the end there are none, which `isAtEnd` tells. */
class Reader {
  readonly #bytes: Uint8Array;
  #offset = 0;
  #isCut = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return !this.#isCut && this.#offset === this.#bytes.length;
  }

  bytes(length: number): Uint8Array {
    const piece = this.#bytes.subarray(this.#offset, this.#offset + length);
    this.#isCut ||= piece.length < length;
    this.#offset += length;
    return piece;
  }

  text(): string {
    const text = utf8Decode(this.bytes(this.bytes(1)[0] ?? 0));
    this.#isCut ||= text === undefined;
    return text ?? "";
  }
}

function short(text: string): Uint8Array {
  const bytes = utf8Encode(text);
  return concatBytes(Uint8Array.of(bytes.length), bytes);
}

function hexBytes(hex: string): Uint8Array {
  return fromHex(hex) ?? new Uint8Array();
}

function checksumOf(prefix: string, content: Uint8Array, suite: Sha256): Uint8Array {
  return suite.sha256(utf8Encode(prefix), content).subarray(0, CHECKSUM_BYTES);
}
