import { fits } from "./hash.ts";
import type { Scope } from "./scopes.ts";
import { numberOf, type Row, type Sql, textOf } from "./storage/database.ts";

/** Somebody who may use the API, as the service keeps it. */
export interface KeptAccess {
  readonly id: string;
  readonly secretHash: string;
  /** Whose it is: "deploy". */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Unix seconds. */
  readonly expires: number;
  readonly madeAt: number;
  readonly withdrawnAt: number | undefined;
}

/** What is written behind "Authorization: Bearer ". */
export const ACCESS_SECRET: RegExp = /^lacis-access-([0-9a-f]{16})-([0-9a-f]{64})$/;

export function formatAccess(id: string, secretHex: string): string {
  return `lacis-access-${id}-${secretHex}`;
}

/** Whose secret this is, if it is still good. */
export async function accessOf(sql: Sql, bearer: string, nowSeconds: number): Promise<KeptAccess | undefined> {
  const [, id = "", secret = ""] = ACCESS_SECRET.exec(bearer) ?? [];
  if (id === "") return undefined;
  const [row] = await sql.run("SELECT * FROM access WHERE id = $1", id);
  const access = row && keptAccess(row);
  if (!access || !fits(secret, access.secretHash)) return undefined;
  return access.withdrawnAt === undefined && nowSeconds <= access.expires ? access : undefined;
}

export async function addAccess(sql: Sql, access: KeptAccess): Promise<void> {
  await sql.run(
    "INSERT INTO access (id, secret_hash, name, scopes, expires, made_at) VALUES ($1, $2, $3, $4, $5, $6)",
    access.id,
    access.secretHash,
    access.name,
    JSON.stringify(access.scopes),
    access.expires,
    access.madeAt,
  );
}

/** The name of who had it; undefined when nobody has, or no longer. */
export async function withdrawAccess(sql: Sql, id: string, nowSeconds: number): Promise<string | undefined> {
  const [row] = await sql.run(
    "UPDATE access SET withdrawn_at = $2 WHERE id = $1 AND withdrawn_at IS NULL RETURNING name",
    id,
    nowSeconds,
  );
  return row && textOf(row, "name");
}

/** Oldest first. */
export async function listAccess(sql: Sql, count: number): Promise<readonly KeptAccess[]> {
  return (await sql.run("SELECT * FROM access ORDER BY made_at, id LIMIT $1", count)).map(keptAccess);
}

function keptAccess(row: Row): KeptAccess {
  return {
    id: textOf(row, "id"),
    secretHash: textOf(row, "secret_hash"),
    name: textOf(row, "name"),
    scopes: JSON.parse(textOf(row, "scopes")),
    expires: numberOf(row, "expires"),
    madeAt: numberOf(row, "made_at"),
    withdrawnAt: numberOf(row, "withdrawn_at") || undefined,
  };
}
