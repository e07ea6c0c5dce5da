import { ok, type Result } from "../../src/core/base/result.ts";
import type { Curve } from "../../src/core/crypto/suite.ts";
import { type EnrolmentRefusal, enrolmentRefusal } from "../../src/core/enrolment/refusal.ts";
import { keyFingerprint } from "./issuer.ts";
import { numberOf, type Row, type Sql, textOf } from "./storage/database.ts";

/** A host that waits for somebody to decide. */
export interface KeptRequest {
  readonly id: string;
  /** The token that it was made with, or what stands for one. */
  readonly token: string;
  readonly name: string;
  readonly publicKey: string;
  readonly curve: Curve;
  readonly groups: readonly string[];
  readonly lifetime: number;
  /** Where it came from. */
  readonly source: string;
  readonly state: RequestState;
  /** Why it was denied: the host is told. */
  readonly reason: string;
  readonly askedAt: number;
  readonly decidedAt: number | undefined;
  readonly decidedBy: string | undefined;
}

/** A host that was let in long ago asks for its next certificate. */
export function isRenewal({ token }: KeptRequest): boolean {
  return token.startsWith(RENEWAL);
}

/** In the place of a token: what a renewal was asked with. */
export function renewalOf(certificate: string, publicKey: string): string {
  return `${RENEWAL}${certificate} ${publicKey}`;
}

const RENEWAL = "renewal ";

export type RequestState = "pending" | "approved" | "denied";

export async function addRequest(sql: Sql, request: KeptRequest): Promise<void> {
  await sql.run(
    `INSERT INTO requests (id, token, name, public_key, curve, in_groups, lifetime, source, state, reason, asked_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    request.id,
    request.token,
    request.name,
    request.publicKey,
    request.curve,
    JSON.stringify(request.groups),
    request.lifetime,
    request.source,
    request.state,
    request.reason,
    request.askedAt,
  );
}

export async function findRequest(sql: Sql, id: string): Promise<KeptRequest | undefined> {
  const [row] = await sql.run("SELECT * FROM requests WHERE id = $1", id);
  return row && requestOf(row);
}

/** One that somebody may decide still. */
export async function pendingRequest(sql: Sql, id: string): Promise<Result<KeptRequest, EnrolmentRefusal>> {
  const request = await findRequest(sql, id);
  if (request?.state === "pending") return ok(request);
  const why = request ? `it was ${request.state} by ${request.decidedBy}` : "there is no such request";
  return enrolmentRefusal(
    request ? "not-pending" : "unknown-id",
    `the request ${id}`,
    why,
    "see the list of those that wait",
  );
}

export async function requestOfToken(sql: Sql, token: string): Promise<KeptRequest | undefined> {
  const [row] = await sql.run("SELECT * FROM requests WHERE token = $1", token);
  return row && requestOf(row);
}

export interface WaitingHost extends Pick<KeptRequest, "id" | "name" | "groups" | "source" | "askedAt"> {
  readonly keyFingerprint: string;
}

/** Oldest first. */
export async function pendingRequests(sql: Sql, count: number): Promise<readonly KeptRequest[]> {
  const rows = await sql.run("SELECT * FROM requests WHERE state = 'pending' ORDER BY asked_at, id LIMIT $1", count);
  return rows.map(requestOf);
}

/** Those that wait, oldest first, as operators see them: with what is compared over the telephone in place of the key. */
export async function waitingHosts(sql: Sql, count: number): Promise<readonly WaitingHost[]> {
  return (await pendingRequests(sql, count)).map(({ id, name, groups, publicKey, source, askedAt }) => ({
    id,
    name,
    groups,
    keyFingerprint: keyFingerprint(publicKey),
    source,
    askedAt,
  }));
}

/** Decides one that is pending; false when somebody was faster. */
export async function decideRequest(
  sql: Sql,
  id: string,
  decision: { readonly state: RequestState; readonly reason: string; readonly at: number; readonly by: string },
): Promise<boolean> {
  const decided = await sql.run(
    "UPDATE requests SET state = $2, reason = $3, decided_at = $4, decided_by = $5 WHERE id = $1 AND state = 'pending' RETURNING id",
    id,
    decision.state,
    decision.reason,
    decision.at,
    decision.by,
  );
  return decided.length === 1;
}

function requestOf(row: Row): KeptRequest {
  return {
    id: textOf(row, "id"),
    token: textOf(row, "token"),
    name: textOf(row, "name"),
    publicKey: textOf(row, "public_key"),
    curve: textOf(row, "curve") as Curve,
    groups: JSON.parse(textOf(row, "in_groups")),
    lifetime: numberOf(row, "lifetime"),
    source: textOf(row, "source"),
    state: textOf(row, "state") as RequestState,
    reason: textOf(row, "reason"),
    askedAt: numberOf(row, "asked_at"),
    decidedAt: numberOf(row, "decided_at") || undefined,
    decidedBy: textOf(row, "decided_by") || undefined,
  };
}
