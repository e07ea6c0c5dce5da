import { type Database, numberOf, type Sql } from "./database.ts";
import { StorageFailure } from "./failure.ts";

/**
 * How the tables came to be, one step a version. A step that was released is never changed: a later one is added. Whatever a newer version
 * has added is not known here, so a storage of a newer one is refused instead of being used by half.
 */
const STEPS: readonly (readonly string[])[] = [
  [
    // What holds for the whole service, by name.
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    // What was signed and taken back, in order: the lines of a ledger file.
    "CREATE TABLE ledger (seq BIGINT PRIMARY KEY, entry TEXT NOT NULL)",
    `CREATE TABLE tokens (
      id TEXT PRIMARY KEY, secret_hash TEXT NOT NULL, host TEXT NOT NULL, in_groups TEXT NOT NULL, lifetime BIGINT NOT NULL, expires BIGINT NOT NULL,
      needs_approval BIGINT NOT NULL, ephemeral BIGINT NOT NULL, reason TEXT NOT NULL, made_at BIGINT NOT NULL, made_by TEXT NOT NULL,
      used_key TEXT, used_name TEXT, used_at BIGINT, withdrawn_at BIGINT)`,
    "CREATE INDEX tokens_by_used_name ON tokens (used_name)",
    `CREATE TABLE requests (
      id TEXT PRIMARY KEY, token TEXT NOT NULL, name TEXT NOT NULL, public_key TEXT NOT NULL, curve TEXT NOT NULL, in_groups TEXT NOT NULL,
      lifetime BIGINT NOT NULL, source TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, asked_at BIGINT NOT NULL, decided_at BIGINT, decided_by TEXT)`,
    "CREATE INDEX requests_by_token ON requests (token)",
    // A host has one row, with what it was given last; the former secret counts until the new one was used.
    `CREATE TABLE hosts (
      name TEXT PRIMARY KEY, certificate TEXT NOT NULL, former_certificate TEXT NOT NULL, public_key TEXT NOT NULL, curve TEXT NOT NULL,
      in_groups TEXT NOT NULL, networks TEXT NOT NULL, lifetime BIGINT NOT NULL, not_after BIGINT NOT NULL, issued_at BIGINT NOT NULL, pem TEXT NOT NULL,
      secret_hash TEXT NOT NULL, former_secret_hash TEXT NOT NULL, version TEXT NOT NULL, seen_at BIGINT NOT NULL)`,
    "CREATE INDEX hosts_by_certificate ON hosts (certificate)",
    "CREATE INDEX hosts_by_former_certificate ON hosts (former_certificate)",
    `CREATE TABLE audit (
      seq BIGINT PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL, hash TEXT NOT NULL)`,
    `CREATE TABLE access (
      id TEXT PRIMARY KEY, secret_hash TEXT NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL, expires BIGINT NOT NULL, made_at BIGINT NOT NULL,
      withdrawn_at BIGINT)`,
  ],
  // What a token's host may reach, as JSON, where it is let in to debug.
  ["ALTER TABLE tokens ADD COLUMN debug_access TEXT NOT NULL DEFAULT ''"],
  // What is looked for among a hundred thousand: the newest, those that end, and the few that debug or wait.
  [
    "CREATE INDEX tokens_by_time ON tokens (made_at DESC, id)",
    "CREATE INDEX tokens_by_end ON tokens (expires)",
    "CREATE INDEX tokens_to_debug ON tokens (made_at, id) WHERE debug_access <> ''",
    "CREATE INDEX requests_pending ON requests (asked_at, id) WHERE state = 'pending'",
  ],
];

export const SCHEMA_VERSION: number = STEPS.length;

/** Brings a storage to this version, whoever else does so at the same moment. */
export async function migrate(database: Database): Promise<void> {
  await database.exclusively(async (sql) => {
    await sql.run("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)");
    const [row] = await sql.run("SELECT version FROM schema_version");
    const version = numberOf(row, "version");
    if (version > SCHEMA_VERSION) throw newer(database.name, version);
    if (version === SCHEMA_VERSION) return;
    for (const step of STEPS.slice(version)) for (const statement of step) await sql.run(statement);
    await sql.run("DELETE FROM schema_version");
    await sql.run("INSERT INTO schema_version (version) VALUES ($1)", SCHEMA_VERSION);
  });
}

/** That it still is of this version: another instance may have been upgraded meanwhile. */
export async function checkVersion(sql: Sql, name: string): Promise<void> {
  const [row] = await sql.run("SELECT version FROM schema_version");
  const version = numberOf(row, "version");
  if (version > SCHEMA_VERSION) throw newer(name, version);
}

function newer(name: string, version: number): StorageFailure {
  return new StorageFailure("newer", {
    what: name,
    why: `it is of version ${version}, and this Lacis knows versions up to ${SCHEMA_VERSION}`,
    todo: "upgrade this Lacis, or restore the backup that was made before the upgrade; nothing was changed",
  });
}
