import { toHex, utf8Encode } from "../../src/core/base/bytes.ts";
import { printableJson } from "../../src/core/base/printable.ts";
import { fail, ok, type Result } from "../../src/core/base/result.ts";
import { portableSuite } from "../../src/core/crypto/portable.ts";
import { numberOf, type Sql, textOf } from "./storage/database.ts";

/** What somebody did. Nothing in it is secret. */
export interface AuditEvent {
  /** "token 1f3a…", "access deploy", "root". */
  readonly who: string;
  readonly action: AuditAction;
  /** The host, the token or the request that it was done to. */
  readonly subject: string;
  readonly detail: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}

export type AuditAction =
  | "began"
  | "network"
  | "imported"
  | "signed"
  | "not-signed"
  | "invited"
  | "withdrawn"
  | "asked"
  | "enrolled"
  | "renewed"
  | "left"
  | "revoked"
  | "approved"
  | "delivered"
  | "list-signed"
  | "brought"
  | "denied"
  | "access-given"
  | "access-taken"
  | "authority";

/** A line of the log: each holds the hash of everything before it, so that a line that is changed or taken out later is missed. */
export interface AuditLine extends AuditEvent {
  readonly seq: number;
  /** ISO 8601. */
  readonly at: string;
  /** SHA-256 in hex over the hash before it and this line. */
  readonly hash: string;
}

/** Before the first line. */
const GENESIS = "0".repeat(64);

/** Adds a line, in the transaction of what it tells of: neither is kept without the other. */
export async function writeAudit(sql: Sql, event: AuditEvent, nowSeconds: number): Promise<void> {
  const [last] = await sql.run("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1");
  const { who, action, subject } = event;
  const detail = printableJson(event.detail);
  const line = {
    seq: numberOf(last, "seq") + 1,
    at: new Date(nowSeconds * 1000).toISOString(),
    who,
    action,
    subject,
    detail,
  };
  const hash = hashOf(textOf(last, "hash") || GENESIS, line);
  await sql.run(
    "INSERT INTO audit (seq, at, who, action, subject, detail, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    line.seq,
    line.at,
    who,
    action,
    subject,
    detail,
    hash,
  );
}

/** How many lines there are: it only ever rises. */
export async function lastAuditSeq(sql: Sql): Promise<number> {
  const [last] = await sql.run("SELECT seq FROM audit ORDER BY seq DESC LIMIT 1");
  return numberOf(last, "seq");
}

/** Lines after `after`, oldest first. */
export async function readAudit(sql: Sql, after: number, count: number): Promise<readonly AuditLine[]> {
  const lines = await readLines(sql, after, count);
  return lines.map((line) => ({ ...line, action: line.action as AuditAction, detail: JSON.parse(line.detail) }));
}

export interface AuditVerdict {
  readonly lines: number;
  /** Hash of the last line: whoever keeps it elsewhere notices when lines at the end are taken out. */
  readonly head: string;
}

/** Follows the chain from its beginning. `head`: a hash that was kept elsewhere, which must still stand in it. */
export async function verifyAudit(sql: Sql, head?: string): Promise<Result<AuditVerdict, string>> {
  let before = GENESIS;
  let seq = 0;
  let isHeadFound = head === undefined;
  for (;;) {
    const lines = await readLines(sql, seq, LINES_AT_ONCE);
    for (const line of lines) {
      if (line.seq !== seq + 1) return fail(`line ${seq + 1} is missing`);
      if (line.hash !== hashOf(before, line)) return fail(`line ${line.seq} was changed, or one before it`);
      seq = line.seq;
      before = line.hash;
      isHeadFound ||= line.hash === head;
    }
    if (lines.length < LINES_AT_ONCE) break;
  }
  return isHeadFound
    ? ok({ lines: seq, head: before })
    : fail(`no line has the hash ${head}: lines at the end are missing`);
}

const LINES_AT_ONCE = 1_000;

/** A line as it is kept: whoever has changed it may have left no JSON. */
interface KeptLine {
  readonly seq: number;
  readonly at: string;
  readonly who: string;
  readonly action: string;
  readonly subject: string;
  readonly detail: string;
  readonly hash: string;
}

async function readLines(sql: Sql, after: number, count: number): Promise<readonly KeptLine[]> {
  const rows = await sql.run("SELECT * FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2", after, count);
  return rows.map((row) => ({
    seq: numberOf(row, "seq"),
    at: textOf(row, "at"),
    who: textOf(row, "who"),
    action: textOf(row, "action"),
    subject: textOf(row, "subject"),
    detail: textOf(row, "detail"),
    hash: textOf(row, "hash"),
  }));
}

function hashOf(before: string, { seq, at, who, action, subject, detail }: Omit<KeptLine, "hash">): string {
  return toHex(portableSuite.sha256(utf8Encode(JSON.stringify([before, seq, at, who, action, subject, detail]))));
}
