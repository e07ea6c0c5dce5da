import { parseJson } from "../../src/core/base/json.ts";
import { accessOf, type DebugAccess, plainAccess } from "../../src/core/policy/debug-access.ts";
import type { KeptHost } from "./hosts.ts";
import { numberOf, type Row, type Sql, textOf } from "./storage/database.ts";

/** An invitation as the service keeps it: without its secret. */
export interface KeptToken {
  readonly id: string;
  readonly secretHash: string;
  /** Empty: whoever joins chooses. */
  readonly host: string;
  readonly groups: readonly string[];
  /** Of the certificates that come of it, in seconds. */
  readonly lifetime: number;
  /** Unix seconds. */
  readonly expires: number;
  /** Somebody must say yes to whoever uses it. */
  readonly needsApproval: boolean;
  /** Its host does not renew: when its certificate ends, it is gone. */
  readonly isEphemeral: boolean;
  /** What it is for, in the words of whoever made it. */
  readonly reason: string;
  /** Its host is let in to debug something: what it may reach, and until when. */
  readonly debugAccess: DebugAccess | undefined;
  readonly madeAt: number;
  readonly madeBy: string;
  /** The key that has used it, hex; nobody else may. */
  readonly usedKey: string | undefined;
  readonly usedName: string | undefined;
  /** When its certificate was handed out first. */
  readonly usedAt: number | undefined;
  readonly withdrawnAt: number | undefined;
}

export async function addToken(sql: Sql, token: KeptToken): Promise<void> {
  await sql.run(
    `INSERT INTO tokens (id, secret_hash, host, in_groups, lifetime, expires, needs_approval, ephemeral, reason, debug_access, made_at, made_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    token.id,
    token.secretHash,
    token.host,
    JSON.stringify(token.groups),
    token.lifetime,
    token.expires,
    Number(token.needsApproval),
    Number(token.isEphemeral),
    token.reason,
    token.debugAccess ? JSON.stringify(plainAccess(token.debugAccess)) : "",
    token.madeAt,
    token.madeBy,
  );
}

export async function findToken(sql: Sql, id: string): Promise<KeptToken | undefined> {
  const [row] = await sql.run("SELECT * FROM tokens WHERE id = $1", id);
  return row && tokenOf(row);
}

/** Newest first. */
export async function listTokens(sql: Sql, count: number): Promise<readonly KeptToken[]> {
  return (await sql.run("SELECT * FROM tokens ORDER BY made_at DESC, id LIMIT $1", count)).map(tokenOf);
}

/** Those whose hosts may still reach something, whether they have come yet or not. Oldest first. */
export async function debugTokens(sql: Sql, nowSeconds: number): Promise<readonly KeptToken[]> {
  const rows = await sql.run(
    "SELECT * FROM tokens WHERE debug_access <> '' AND withdrawn_at IS NULL ORDER BY made_at, id",
  );
  return rows.map(tokenOf).filter(({ debugAccess }) => debugAccess !== undefined && debugAccess.until > nowSeconds);
}

/** Gives it to this key, unless another one has it. Decided by the statement itself, whatever its caller has read before. */
export async function bindToken(sql: Sql, id: string, key: string, name: string): Promise<boolean> {
  const bound = await sql.run(
    `UPDATE tokens SET used_key = $2, used_name = $3 WHERE id = $1 AND withdrawn_at IS NULL AND (used_key IS NULL OR used_key = $2) RETURNING id`,
    id,
    key,
    name,
  );
  return bound.length === 1;
}

/** Its certificate is handed out; the first time counts. */
export async function markTokenUsed(sql: Sql, id: string, nowSeconds: number): Promise<void> {
  await sql.run("UPDATE tokens SET used_at = $2 WHERE id = $1 AND used_at IS NULL", id, nowSeconds);
}

/** Whether a token that this operator has made was used for a host of this name. */
export async function hasLetIn(sql: Sql, name: string, who: string): Promise<boolean> {
  const rows = await sql.run("SELECT id FROM tokens WHERE used_name = $1 AND made_by = $2 LIMIT 1", name, who);
  return rows.length > 0;
}

/** Whether a host was let in for a while only: as long as it may have its certificate, its token is remembered. */
export async function isForAWhile(
  sql: Sql,
  { name, publicKey }: Pick<KeptHost, "name" | "publicKey">,
): Promise<boolean> {
  const rows = await sql.run(
    "SELECT id FROM tokens WHERE used_name = $1 AND used_key = $2 AND ephemeral = 1 LIMIT 1",
    name,
    publicKey,
  );
  return rows.length > 0;
}

/** Takes back one that nobody has used. */
export async function withdrawToken(sql: Sql, id: string, nowSeconds: number): Promise<boolean> {
  const withdrawn = await sql.run(
    "UPDATE tokens SET withdrawn_at = $2 WHERE id = $1 AND used_key IS NULL AND withdrawn_at IS NULL RETURNING id",
    id,
    nowSeconds,
  );
  return withdrawn.length === 1;
}

/** Forgets those that ended so long ago that nobody asks any more. */
export async function forgetTokens(sql: Sql, before: number): Promise<void> {
  await sql.run("DELETE FROM tokens WHERE expires < $1", before);
}

/** Most tokens have none, and reading what is no JSON is a throw each. */
function debugAccessIn(text: string): DebugAccess | undefined {
  return text === "" ? undefined : accessOf(parseJson(text));
}

function tokenOf(row: Row): KeptToken {
  return {
    id: textOf(row, "id"),
    secretHash: textOf(row, "secret_hash"),
    host: textOf(row, "host"),
    groups: JSON.parse(textOf(row, "in_groups")),
    lifetime: numberOf(row, "lifetime"),
    expires: numberOf(row, "expires"),
    needsApproval: numberOf(row, "needs_approval") !== 0,
    isEphemeral: numberOf(row, "ephemeral") !== 0,
    reason: textOf(row, "reason"),
    debugAccess: debugAccessIn(textOf(row, "debug_access")),
    madeAt: numberOf(row, "made_at"),
    madeBy: textOf(row, "made_by"),
    usedKey: textOf(row, "used_key") || undefined,
    usedName: textOf(row, "used_name") || undefined,
    usedAt: numberOf(row, "used_at") || undefined,
    withdrawnAt: numberOf(row, "withdrawn_at") || undefined,
  };
}
