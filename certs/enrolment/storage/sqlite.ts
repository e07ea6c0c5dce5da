import type Sqlite from "better-sqlite3";
import type { Database, Row, Sql, SqlValue } from "./database.ts";
import { StorageFailure, type StorageTrouble } from "./failure.ts";
import { Turns } from "./turns.ts";

/** A gigabyte: some million hosts. Whoever gets that far should not find out by a full disk. */
const PAGES_MAX = 262_144;
/** How long another program on this machine may hold the file, which is for as long as it writes a few rows. */
const BUSY_MAX_MS = 5_000;

/** A file of this machine, by SQLite. One instance of the service; the commands use it beside it. */
export async function openSqlite(file: string, pagesMax: number = PAGES_MAX): Promise<Database> {
  const Driver = await loadDriver(file);
  return translating(file, () => new SqliteDatabase(Driver, file, pagesMax));
}

class SqliteDatabase implements Database {
  readonly name: string;
  readonly #writer: Statements;
  readonly #reader: Statements;
  readonly #turns = new Turns();

  constructor(Driver: typeof Sqlite, file: string, pagesMax: number) {
    this.name = file;
    const writer = new Driver(file, { timeout: BUSY_MAX_MS });
    writer.pragma("journal_mode = WAL");
    // What was answered must outlive the power.
    writer.pragma("synchronous = FULL");
    writer.pragma(`max_page_count = ${pagesMax}`);
    this.#writer = new Statements(writer, file);
    this.#reader = new Statements(new Driver(file, { timeout: BUSY_MAX_MS, readonly: true }), file);
  }

  async run(statement: string, ...values: readonly SqlValue[]): Promise<readonly Row[]> {
    return this.#reader.run(statement, values);
  }

  exclusively<Value>(work: (sql: Sql) => Promise<Value>): Promise<Value> {
    return this.#turns.take(async () => {
      const sql: Sql = { run: async (statement, ...values) => this.#writer.run(statement, values) };
      this.#writer.run("BEGIN IMMEDIATE", []);
      try {
        const value = await work(sql);
        this.#writer.run("COMMIT", []);
        return value;
      } catch (error) {
        // A full disk has undone it already.
        if (this.#writer.isInTransaction) this.#writer.run("ROLLBACK", []);
        throw error;
      }
    });
  }

  async clockOffsetMs(): Promise<number> {
    return 0;
  }

  async close(): Promise<void> {
    this.#reader.close();
    this.#writer.close();
  }
}

/** A connection, and the statements that it has compiled: the program has a few dozen. */
class Statements {
  readonly #connection: Sqlite.Database;
  readonly #file: string;
  readonly #compiled = new Map<string, Sqlite.Statement>();

  constructor(connection: Sqlite.Database, file: string) {
    this.#connection = connection;
    this.#file = file;
  }

  get isInTransaction(): boolean {
    return this.#connection.inTransaction;
  }

  run(statement: string, values: readonly SqlValue[]): readonly Row[] {
    return translating(this.#file, () => {
      const compiled = this.#compiled.get(statement) ?? this.#connection.prepare(statement);
      this.#compiled.set(statement, compiled);
      // SQLite takes "$1" for a name.
      const named = values.length === 0 ? [] : [Object.fromEntries(values.map((value, i) => [`${i + 1}`, value]))];
      if (compiled.reader) return compiled.all(...named) as Row[];
      compiled.run(...named);
      return [];
    });
  }

  close(): void {
    this.#connection.close();
  }
}

async function loadDriver(file: string): Promise<typeof Sqlite> {
  try {
    return (await import("better-sqlite3")).default;
  } catch (error) {
    const why = "the package better-sqlite3 is not installed";
    const todo =
      "install it (npm install better-sqlite3; it needs a compiler), or give a PostgreSQL server with -store";
    throw new StorageFailure("missing-package", { what: file, why, todo }, error);
  }
}

function translating<Value>(file: string, work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    throw translated(file, error);
  }
}

function translated(file: string, error: unknown): unknown {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  const found = TROUBLES.find(({ codes }) => codes.test(code));
  if (!found) return error instanceof TypeError ? cannotOpen(file, error) : error;
  const { trouble, why, todo } = found;
  return new StorageFailure(trouble, { what: file, why, todo }, error);
}

/** The driver's own complaint about a folder that is not there. */
function cannotOpen(file: string, error: TypeError): unknown {
  if (!error.message.includes("directory")) return error;
  return new StorageFailure(
    "unavailable",
    { what: file, why: "its folder does not exist", todo: "make the folder" },
    error,
  );
}

const TROUBLES: readonly {
  readonly codes: RegExp;
  readonly trouble: StorageTrouble;
  readonly why: string;
  readonly todo: string;
}[] = [
  {
    codes: /^SQLITE_(FULL|IOERR_SHMSIZE)$/,
    trouble: "full",
    why: "there is no room for more",
    todo: "make room on its disk; nothing was changed",
  },
  {
    codes: /^SQLITE_BUSY/,
    trouble: "unavailable",
    why: "another program holds it",
    todo: "end whatever has it open, then try again",
  },
  {
    codes: /^SQLITE_(CORRUPT|NOTADB)/,
    trouble: "damaged",
    why: "it is no database, or a damaged one",
    todo: "restore it from a backup",
  },
  {
    codes: /^SQLITE_(READONLY|CANTOPEN|PERM|AUTH|IOERR)/,
    trouble: "unavailable",
    why: "it cannot be opened or written",
    todo: "see that the file and its folder belong to whoever runs this",
  },
];
