import { utf8Decode, utf8Encode } from "../../core/base/bytes.ts";
import { isRecord, parseJson } from "../../core/base/json.ts";
import { addressFromBytes, type IpAddress } from "../../core/netip/address.ts";

/** The end of "cannot reach port 22 of db1". */
export interface RefusalWords {
  readonly why: string;
  readonly todo: string;
}

// SOCKS version 5 (RFC 1928) and its sign-in by name and password (RFC 1929), as bytes. All of it comes from programs of this machine, which may be anybody's.

const VERSION = 5;
const SIGN_IN_VERSION = 1;
const CONNECT = 1;

/**
 * RFC 1928, 3. `chunks` is one of those for private use: no password is asked for, what follows the answer goes in chunks (chunked-stream.ts), so that a break is none that looks like an
 * end, and an answer that refuses is followed by JSON, `{"why": ..., "todo": ...}`, to the end of the connection.
 */
export const Method = { none: 0, password: 2, chunks: 0xac, unacceptable: 255 } as const;

/** RFC 1928, 6. */
export const SocksReply = {
  succeeded: 0,
  failure: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  timedOut: 6,
  commandUnsupported: 7,
  addressUnsupported: 8,
} as const;
export type SocksReply = (typeof SocksReply)[keyof typeof SocksReply];

/** Whom a program wants to reach: by a name of the overlay, or by an address. */
export type SocksTarget = ({ readonly name: string } | { readonly address: IpAddress }) & { readonly port: number };

/** What came of reading: not all of it is there; it is none; or its value, and how many bytes it had. */
export type Read<Value> =
  | { readonly at: "more" }
  | { readonly at: "bad"; readonly reply: SocksReply }
  | { readonly at: "done"; readonly value: Value; readonly bytes: number };

/** The longest message: a name of 255 bytes and what is around it; a sign-in has two of them. */
export const SOCKS_BYTES_MAX = 513;

const MORE = { at: "more" } as const;
const bad = (reply: SocksReply): Read<never> => ({ at: "bad", reply });

/** The methods that a client offers: version, count, one byte each. */
export function readGreeting(bytes: Uint8Array): Read<readonly number[]> {
  const [version, count] = bytes;
  if (version === undefined) return MORE;
  if (version !== VERSION) return bad(SocksReply.failure);
  if (count === undefined || bytes.length < 2 + count) return MORE;
  return { at: "done", value: [...bytes.subarray(2, 2 + count)], bytes: 2 + count };
}

/** Name and password: version, then each behind its length. */
export function readSignIn(bytes: Uint8Array): Read<{ readonly name: Uint8Array; readonly password: Uint8Array }> {
  const [version, nameBytes] = bytes;
  if (version === undefined) return MORE;
  if (version !== SIGN_IN_VERSION) return bad(SocksReply.failure);
  if (nameBytes === undefined) return MORE;
  const passwordBytes = bytes[2 + nameBytes];
  if (passwordBytes === undefined) return MORE;
  const end = 3 + nameBytes + passwordBytes;
  if (bytes.length < end) return MORE;
  const name = bytes.subarray(2, 2 + nameBytes);
  return { at: "done", value: { name, password: bytes.subarray(3 + nameBytes, end) }, bytes: end };
}

/**
 * What a client wants:
 *
 * ```text
 * byte 0     1         2    3       4...                                               then
 *   5 | command | 0 | kind | 4 or 16 bytes of address, or a name behind its length | port (2, big endian)
 * ```
 */
export function readRequest(bytes: Uint8Array): Read<SocksTarget> {
  const [version, command, , kind, first] = bytes;
  if (version === undefined) return MORE;
  if (version !== VERSION) return bad(SocksReply.failure);
  if (kind === undefined || first === undefined) return MORE;
  if (command !== CONNECT) return bad(SocksReply.commandUnsupported);
  const start = kind === NAME ? 5 : 4;
  const length = kind === NAME ? first : ADDRESS_BYTES[kind];
  if (length === undefined) return bad(SocksReply.addressUnsupported);
  const end = start + length + 2;
  if (bytes.length < end) return MORE;
  const host = bytes.subarray(start, start + length);
  const port = new DataView(bytes.buffer, bytes.byteOffset).getUint16(start + length);
  const named = kind === NAME ? nameIn(host) : addressIn(host);
  if (named === undefined || port === 0) return bad(SocksReply.hostUnreachable);
  return { at: "done", value: { ...named, port }, bytes: end };
}

const NAME = 3;
const ADDRESS_BYTES: Readonly<Record<number, number>> = { 1: 4, 4: 16 };

/** Printable ASCII or nothing: what else there is cannot be a host of the overlay. */
function nameIn(bytes: Uint8Array): { readonly name: string } | { readonly address: IpAddress } | undefined {
  if (bytes.length === 0 || bytes.some((byte) => byte <= 0x20 || byte >= 0x7f)) return undefined;
  return { name: String.fromCharCode(...bytes) };
}

function addressIn(bytes: Uint8Array): { readonly address: IpAddress } | undefined {
  const address = addressFromBytes(bytes);
  return address && { address };
}

/** The answer to a request. Where we are bound is nobody's business. */
export function replyBytes(reply: SocksReply): Uint8Array {
  return Uint8Array.of(VERSION, reply, 0, 1, 0, 0, 0, 0, 0, 0);
}

/** What follows an answer that refuses, to a client with `Method.chunks`. */
export function refusalBytes(words: RefusalWords): Uint8Array {
  return utf8Encode(JSON.stringify(words));
}

/** Undefined where there is nothing more, or nothing that makes sense. */
export function readRefusal(bytes: Uint8Array): RefusalWords | undefined {
  const words = parseJson(utf8Decode(bytes) ?? "");
  if (!isRecord(words)) return undefined;
  const { why, todo } = words;
  return typeof why === "string" && typeof todo === "string" ? { why, todo } : undefined;
}

/** More is none. */
export const REFUSAL_BYTES_MAX = 4_096;

/** Which of the offered methods is taken. */
export function methodBytes(method: number): Uint8Array {
  return Uint8Array.of(VERSION, method);
}

/** Whether name and password are right. */
export function signedInBytes(isRight: boolean): Uint8Array {
  return Uint8Array.of(SIGN_IN_VERSION, isRight ? 0 : 1);
}
