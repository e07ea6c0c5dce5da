import { fail, ok, type Result } from "../../src/core/base/result.ts";
import { LedgerContent } from "../ledger/content.ts";
import { formatEntry, type LedgerEntry, parseEntries, type SignedEntry } from "../ledger/entry.ts";
import type { Judge, Ledger } from "../ledger/ledger.ts";
import type { Refusal } from "../refusal.ts";
import { type Database, numberOf, type Sql, textOf } from "./storage/database.ts";
import { StorageFailure } from "./storage/failure.ts";

/** A ledger in the storage of a service: names and addresses are claimed under the database's own lock, whoever asks. */
export class StoredLedger implements Ledger {
  readonly #database: Database;
  /** What was read until now: entries are only ever added. */
  readonly #entries: LedgerEntry[] = [];
  #seq = 0;
  #content = new LedgerContent([]);

  constructor(database: Database) {
    this.#database = database;
  }

  read(): Promise<LedgerContent> {
    return this.contentOf(this.#database);
  }

  append(...entries: readonly LedgerEntry[]): Promise<void> {
    return this.#database.exclusively((sql) => this.enter(sql, entries));
  }

  claim(entries: readonly SignedEntry[], judge: Judge): Promise<Result<void, Refusal>> {
    return this.#database.exclusively(async (sql) => {
      const before = await this.contentOf(sql);
      for (const entry of entries) {
        const refusal = judge(before, entry);
        if (refusal) return fail(refusal);
      }
      await this.enter(sql, entries);
      return ok(undefined);
    });
  }

  /** What stands in it, as a transaction sees it that has entered nothing yet. */
  async contentOf(sql: Sql): Promise<LedgerContent> {
    const rows = await sql.run("SELECT seq, entry FROM ledger WHERE seq > $1 ORDER BY seq", this.#seq);
    if (rows.length === 0) return this.#content;
    const entries = parseEntries(rows.map((row) => textOf(row, "entry")).join(""));
    if (!entries.ok) throw damaged(this.#database.name, entries.reason);
    // Two readers may have asked for the same rows.
    const first = numberOf(rows[0], "seq");
    this.#entries.length = Math.min(this.#entries.length, first - 1);
    this.#entries.push(...entries.value);
    this.#seq = numberOf(rows.at(-1), "seq");
    this.#content = new LedgerContent([...this.#entries]);
    return this.#content;
  }

  /** Adds entries inside a transaction that holds the storage. */
  async enter(sql: Sql, entries: readonly LedgerEntry[]): Promise<void> {
    const [row] = await sql.run("SELECT MAX(seq) AS last FROM ledger");
    let seq = numberOf(row, "last");
    for (const entry of entries) {
      await sql.run("INSERT INTO ledger (seq, entry) VALUES ($1, $2)", ++seq, formatEntry(entry));
    }
  }
}

function damaged(name: string, why: string): StorageFailure {
  return new StorageFailure("damaged", { what: name, why: `its ledger: ${why}`, todo: "restore it from a backup" });
}
