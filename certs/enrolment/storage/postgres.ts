import type pg from "pg";
import type { Database, Row, Sql, SqlValue } from "./database.ts";
import { StorageFailure, type StorageTrouble } from "./failure.ts";
import { Turns } from "./turns.ts";

/** Of one instance: one writes at a time, the others read. */
const CONNECTIONS_MAX = 4;
const CONNECT_MAX_MS = 5_000;
/** Longer than any statement of ours, and than the queue of other instances before the lock. */
const STATEMENT_MAX_MS = 20_000;
/** The first half of the lock that all instances take; the second is the schema, of which one server may have several. */
const LOCK = 0x6c61_6369;

/** A PostgreSQL server, which any number of instances share. */
export async function openPostgres(address: string): Promise<Database> {
  const name = withoutPassword(address);
  const driver = await loadDriver(name);
  const pool = new driver.Pool({
    connectionString: address,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_MAX_MS,
    statement_timeout: STATEMENT_MAX_MS,
    application_name: "lacis-cert",
    types: { getTypeParser: (type, format) => (type === BIGINT ? Number : driver.types.getTypeParser(type, format)) },
  });
  // A connection that breaks while nobody uses it is replaced by the next.
  pool.on("error", () => {});
  const database = new PostgresDatabase(name, pool);
  try {
    await database.run("SELECT 1");
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

const BIGINT = 20;

class PostgresDatabase implements Database {
  readonly name: string;
  readonly #pool: pg.Pool;
  /** Whoever waits for the lock holds a connection: only one of this instance does. */
  readonly #turns = new Turns();

  constructor(name: string, pool: pg.Pool) {
    this.name = name;
    this.#pool = pool;
  }

  async run(statement: string, ...values: readonly SqlValue[]): Promise<readonly Row[]> {
    return this.#ask(this.#pool, statement, values);
  }

  exclusively<Value>(work: (sql: Sql) => Promise<Value>): Promise<Value> {
    return this.#turns.take(async () => {
      const client = await this.#translating(() => this.#pool.connect());
      const sql: Sql = { run: (statement, ...values) => this.#ask(client, statement, values) };
      let broken: Error | undefined;
      try {
        await sql.run("BEGIN");
        await sql.run(`SELECT pg_advisory_xact_lock(${LOCK}, hashtext(current_schema()))`);
        const value = await work(sql);
        await sql.run("COMMIT");
        return value;
      } catch (error) {
        await client.query("ROLLBACK").catch((second: Error) => {
          broken = second;
        });
        throw error;
      } finally {
        // A connection on which nothing can be undone is not used again.
        client.release(broken);
      }
    });
  }

  async clockOffsetMs(): Promise<number> {
    const before = Date.now();
    const [row] = await this.run("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS ms");
    const here = (before + Date.now()) / 2;
    return Number(row?.["ms"] ?? here) - here;
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #ask(
    to: Pick<pg.Pool | pg.PoolClient, "query">,
    statement: string,
    values: readonly SqlValue[],
  ): Promise<readonly Row[]> {
    return this.#translating(async () => (await to.query(statement, [...values])).rows);
  }

  async #translating<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      throw translated(this.name, error);
    }
  }
}

async function loadDriver(name: string): Promise<typeof pg> {
  try {
    return (await import("pg")).default;
  } catch (error) {
    const refusal = { what: name, why: "the package pg is not installed", todo: "install it: npm install pg" };
    throw new StorageFailure("missing-package", refusal, error);
  }
}

function translated(name: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = "code" in error ? String(error.code) : "";
  const found = TROUBLES.find(({ codes }) => codes.test(code || error.message));
  if (!found) return error;
  const { trouble, why, todo } = found;
  return new StorageFailure(trouble, { what: name, why: `${why} (${code || error.message})`, todo }, error);
}

const TROUBLES: readonly {
  /** SQLSTATEs (PostgreSQL, appendix A), what the system says, and what the driver says without a code. */
  readonly codes: RegExp;
  readonly trouble: StorageTrouble;
  readonly why: string;
  readonly todo: string;
}[] = [
  {
    codes: /^53100$/,
    trouble: "full",
    why: "there is no room for more on the server",
    todo: "make room on its disk; nothing was changed",
  },
  {
    codes: /^(28|3D)/,
    trouble: "unavailable",
    why: "the server lets nobody in by this name to this database",
    todo: "see its pg_hba.conf and the address; a password belongs into PGPASSWORD or ~/.pgpass",
  },
  {
    codes: /^(08|53|57|58|25006|55P03|40)/,
    trouble: "unavailable",
    why: "the server cannot do it now",
    todo: "see the server's log, then try again",
  },
  {
    codes: /^(E[A-Z]+$|timeout|Connection terminated|Client has encountered|Query read timeout)/,
    trouble: "unavailable",
    why: "the server cannot be reached",
    todo: "see whether it runs, then try again",
  },
];

/** The address as it may be printed. */
function withoutPassword(address: string): string {
  return address.replace(/^(postgres(?:ql)?:\/\/[^:@/]*):[^@]*@/, "$1:…@").replaceAll(/([?&]password=)[^&]*/g, "$1…");
}
