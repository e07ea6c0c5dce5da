import { toHex } from "../../src/core/base/bytes.ts";
import { printableJson } from "../../src/core/base/printable.ts";
import { fail, ok, type Result } from "../../src/core/base/result.ts";
import type { Certificate } from "../../src/core/cert/certificate.ts";
import { fingerprintsOf } from "../../src/core/cert/decode.ts";
import { portableSuite } from "../../src/core/crypto/portable.ts";
import { formatPrefix } from "../../src/core/netip/prefix.ts";

// A ledger is a text of JSON objects, one a line, each an event; lines are only ever added. The order of the lines is the order of claims: a
// name or an address belongs to whoever stands there first.

/** A certificate that the authority has signed. */
export interface SignedEntry {
  readonly event: "signed";
  /** ISO 8601, when the line was written. */
  readonly at: string;
  readonly name: string;
  readonly version: number;
  readonly curve: string;
  /** "address/bits". */
  readonly networks: readonly string[];
  readonly unsafeNetworks: readonly string[];
  readonly groups: readonly string[];
  /** Unix seconds, inclusive. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Lower-case hex. */
  readonly publicKey: string;
  readonly issuer: string;
  /** Every one under which the certificate verifies: two on P-256 (protocol 4.7). The first is its own. */
  readonly fingerprints: readonly string[];
}

/** All certificates that the name had until this line are not to be accepted any more. */
export interface RevokedEntry {
  readonly event: "revoked";
  readonly at: string;
  readonly name: string;
}

/** A certificate that was announced and then not handed out: as if its line were not there. */
export interface WithdrawnEntry {
  readonly event: "withdrawn";
  readonly at: string;
  readonly name: string;
  readonly fingerprint: string;
}

/** The line above was being written when the power went: it never counted. */
export interface UnfinishedEntry {
  readonly event: "unfinished";
  readonly at: string;
}

export type LedgerEntry = SignedEntry | RevokedEntry | WithdrawnEntry | UnfinishedEntry;

export function signedEntry(certificate: Certificate, at: string): SignedEntry {
  return {
    event: "signed",
    at,
    name: certificate.name,
    version: certificate.version,
    curve: certificate.curve,
    networks: certificate.networks.map(formatPrefix),
    unsafeNetworks: certificate.unsafeNetworks.map(formatPrefix),
    groups: certificate.groups,
    notBefore: Number(certificate.notBefore),
    notAfter: Number(certificate.notAfter),
    publicKey: toHex(certificate.publicKey),
    issuer: certificate.issuer,
    fingerprints: fingerprintsOf(portableSuite, certificate),
  };
}

/** Takes a claim back: the certificate was not handed out. */
export function withdrawnEntry({ name, fingerprints }: SignedEntry, at: Date = new Date()): WithdrawnEntry {
  return { event: "withdrawn", at: at.toISOString(), name, fingerprint: fingerprints[0] ?? "" };
}

/** One line, ending in a newline. */
export function formatEntry(entry: LedgerEntry): string {
  return `${printableJson(entry)}\n`;
}

/** All entries of a ledger's text. A last line without its end, and one that an `unfinished` entry follows, never counted. */
export function parseEntries(text: string): Result<LedgerEntry[], string> {
  const lines = text.split("\n");
  lines.pop();
  const entries: LedgerEntry[] = [];
  let unreadable: number | undefined;
  for (const [i, line] of lines.entries()) {
    if (line === "") continue;
    const entry = parseEntry(line);
    if (unreadable !== undefined && entry?.event !== "unfinished") break;
    unreadable = entry ? undefined : i + 1;
    if (entry) entries.push(entry);
  }
  return unreadable === undefined ? ok(entries) : fail(`line ${unreadable} is not an entry of a ledger`);
}

function parseEntry(line: string): LedgerEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const entry = value as Readonly<Record<string, unknown>>;
  const event = String(entry["event"]);
  const fields = Object.hasOwn(FIELDS, event) ? FIELDS[event as LedgerEntry["event"]] : undefined;
  if (!fields) return undefined;
  return Object.entries(fields).every(([name, isRight]) => isRight(entry[name])) ? (value as LedgerEntry) : undefined;
}

const isText = (value: unknown): boolean => typeof value === "string";
const isCount = (value: unknown): boolean => Number.isSafeInteger(value);
const isList = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

type Fields = Readonly<Record<string, (value: unknown) => boolean>>;

const FIELDS: Readonly<Record<LedgerEntry["event"], Fields>> = {
  revoked: { at: isText, name: isText },
  unfinished: { at: isText },
  withdrawn: { at: isText, name: isText, fingerprint: isText },
  signed: {
    at: isText,
    name: isText,
    version: isCount,
    curve: isText,
    networks: isList,
    unsafeNetworks: isList,
    groups: isList,
    notBefore: isCount,
    notAfter: isCount,
    publicKey: isText,
    issuer: isText,
    fingerprints: isList,
  },
};
