import type { Answer } from "dns-packet";
import { fail, ok, type Result } from "../../core/base/result.ts";
import { onDemand } from "../on-demand.ts";

const library = onDemand<typeof import("dns-packet")>("dns-packet");

// The wire format of DNS. The header and the question of a query are read here, because they are echoed as they came; everything else
// is the library's, which throws on what it does not like.

/** RFC 1035, 4.1.1, and RFC 6891 for the last one. */
export const Rcode = {
  noError: 0,
  formErr: 1,
  servFail: 2,
  nxDomain: 3,
  notImp: 4,
  refused: 5,
  badVers: 16,
} as const;
export type Rcode = (typeof Rcode)[keyof typeof Rcode];

/** Types that are answered; "any" is not. */
export const RecordType = { a: 1, txt: 16, aaaa: 28, any: 255 } as const;

/** A query with one question. */
export interface Query {
  readonly id: number;
  readonly recursionDesired: boolean;
  /** The question as it came. */
  readonly question: Uint8Array;
  /** In lower case; undefined when it has a byte that stands in none of our names. */
  readonly name: string | undefined;
  readonly type: number;
  readonly isInternet: boolean;
  /** EDNS: what the asker takes; undefined without it. */
  readonly edns: { readonly payloadBytes: number; readonly version: number } | undefined;
}

/** What can still be answered of what is no query that is understood. */
export interface Unreadable {
  readonly id: number;
  readonly rcode: Rcode;
}

export type Data =
  | { readonly type: "A" | "AAAA"; readonly address: string }
  | { readonly type: "TXT"; readonly text: string };

/** A response; one that is too long says so and nothing else. */
export interface Response {
  readonly rcode: Rcode;
  readonly data?: Data;
}

const HEADER_BYTES = 12;
/** Longer queries are none: a question is at most 259 bytes, and what stands behind it is not asked for. */
const QUERY_BYTES_MAX = 1_232;
/** What everybody takes, and what is sent at most (RFC 9715). */
const PLAIN_BYTES = 512;
const EDNS_BYTES_MAX = 1_232;
/** How long an answer may be remembered. A host that is gone should not be called for long. */
const TTL_SECONDS = 30;

/** Undefined: not worth an answer, for instance because it is one itself. */
export function readQuery(bytes: Uint8Array): Result<Query, Unreadable> | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const id = view.getUint16(0);
  const flags = view.getUint16(2);
  if (flags & 0x8000) return undefined;
  if ((flags >> 11) & 15) return fail({ id, rcode: Rcode.notImp });
  const asked = view.getUint16(4) === 1 && bytes.length <= QUERY_BYTES_MAX ? readQuestion(bytes) : undefined;
  const edns = asked && readEdns(bytes);
  if (!asked || !edns) return fail({ id, rcode: Rcode.formErr });
  return ok({ id, recursionDesired: (flags & 0x100) !== 0, ...asked, edns: edns.value });
}

/** At most `bytesMax`, and never more than the asker takes. */
export function writeResponse(query: Query, response: Response, bytesMax: number): Uint8Array {
  const takes = query.edns ? Math.max(query.edns.payloadBytes, PLAIN_BYTES) : PLAIN_BYTES;
  const whole = write(query, response, false);
  return whole.length <= Math.min(takes, EDNS_BYTES_MAX, bytesMax)
    ? whole
    : write(query, { rcode: response.rcode }, true);
}

/** A question of ours. */
export function writeQuestion(id: number, name: string, type: "A" | "AAAA"): Uint8Array {
  const { RECURSION_DESIRED, encode } = library();
  return encode({ type: "query", id, flags: RECURSION_DESIRED, questions: [{ type, name }] });
}

/** What answers it: addresses, which may be none, or how it failed. Undefined for what answers something else. */
export function readReply(
  bytes: Uint8Array,
  asked: { readonly id: number; readonly name: string; readonly type: "A" | "AAAA" },
): { readonly rcode: number; readonly addresses: readonly string[] } | undefined {
  try {
    const { id, type, flags = 0, questions = [], answers = [] } = library().decode(Buffer.from(bytes));
    const [question] = questions;
    const isOurs = question?.name.toLowerCase() === asked.name && question.type === asked.type;
    if (type !== "response" || id !== asked.id || !isOurs) return undefined;
    const addresses = answers.flatMap((answer) => (answer.type === asked.type ? [String(answer.data)] : []));
    return { rcode: flags & 15, addresses };
  } catch {
    return undefined;
  }
}

/** To what was not understood: nothing but its number. */
export function writeUnreadable({ id, rcode }: Unreadable): Uint8Array {
  return library().encode({ type: "response", id, flags: rcode });
}

function write(
  { id, recursionDesired, question, edns, name }: Query,
  { rcode, data }: Response,
  cut: boolean,
): Uint8Array {
  const { AUTHORITATIVE_ANSWER, TRUNCATED_RESPONSE, encode } = library();
  const flags = AUTHORITATIVE_ANSWER | (recursionDesired ? 0x100 : 0) | (cut ? TRUNCATED_RESPONSE : 0) | (rcode & 15);
  const answers = data && name !== undefined ? [answerOf(name, data)] : [];
  const rest = encode({ type: "response", id, flags, answers, additionals: edns ? [optOf(rcode >> 4)] : [] });
  const bytes = new Uint8Array(rest.length + question.length);
  bytes.set(rest.subarray(0, HEADER_BYTES));
  bytes[5] = 1;
  bytes.set(question, HEADER_BYTES);
  bytes.set(rest.subarray(HEADER_BYTES), HEADER_BYTES + question.length);
  return bytes;
}

function answerOf(name: string, data: Data): Answer {
  if (data.type !== "TXT") return { type: data.type, name, class: "IN", ttl: TTL_SECONDS, data: data.address };
  const bytes = Buffer.from(data.text);
  const strings = Array.from({ length: Math.ceil(bytes.length / 255) }, (_, i) =>
    bytes.subarray(255 * i, 255 * (i + 1)),
  );
  return { type: "TXT", name, class: "IN", ttl: TTL_SECONDS, data: strings };
}

function optOf(extendedRcode: number): Answer {
  return {
    type: "OPT",
    name: ".",
    udpPayloadSize: EDNS_BYTES_MAX,
    extendedRcode,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
}

//   label: length byte, up to 63 bytes      ... 0      type u16   class u16
function readQuestion(bytes: Uint8Array): Pick<Query, "question" | "name" | "type" | "isInternet"> | undefined {
  const labels: (string | undefined)[] = [];
  let at = HEADER_BYTES;
  for (;;) {
    const length = bytes[at];
    if (length === undefined || length > 63) return undefined;
    at++;
    if (length === 0) break;
    const label = bytes.subarray(at, at + length);
    if (label.length < length) return undefined;
    labels.push(textOf(label));
    at += length;
  }
  if (at - HEADER_BYTES > 255 || at + 4 > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    question: bytes.subarray(HEADER_BYTES, at + 4),
    name: labels.includes(undefined) ? undefined : labels.join("."),
    type: view.getUint16(at),
    isInternet: view.getUint16(at + 2) === 1,
  };
}

/** A label in lower case; undefined with anything but letters, digits, hyphens and the colon of an IPv6 address. */
function textOf(label: Uint8Array): string | undefined {
  const text = String.fromCharCode(...label).toLowerCase();
  return /^[a-z0-9:-]+$/.test(text) ? text : undefined;
}

/** Undefined when what stands behind the question is malformed, or says twice what the asker takes. */
function readEdns(bytes: Uint8Array): { readonly value: Query["edns"] } | undefined {
  try {
    const { additionals = [] } = library().decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    const [opt, ...more] = additionals.flatMap((each) => (each.type === "OPT" ? [each] : []));
    if (more.length > 0) return undefined;
    return { value: opt && { payloadBytes: opt.udpPayloadSize, version: opt.ednsVersion } };
  } catch {
    return undefined;
  }
}
