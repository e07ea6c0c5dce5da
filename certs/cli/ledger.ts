import fs from "node:fs";
import { writeAudit } from "../enrolment/audit.ts";
import { StoredLedger } from "../enrolment/ledger.ts";
import type { Database, Sql } from "../enrolment/storage/database.ts";
import { isPostgres } from "../enrolment/storage/open.ts";
import type { LedgerContent } from "../ledger/content.ts";
import type { LedgerEntry } from "../ledger/entry.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { Failure } from "./failure.ts";
import { existingLedgerOf, type LedgerFile, type LedgerFlags, ledgerFileOf } from "./ledger-file.ts";
import { isStoreNamed, localOperator, openStore, type StoreFlags, storeOf } from "./service-files.ts";

/** A ledger for as long as a command runs: `await using`. */
export interface OpenLedger extends Ledger, AsyncDisposable {
  /** The same as `read`, and refused when something that it had recorded is missing. */
  readWhole(): Promise<LedgerContent>;
}

/**
 * The ledger that the flags mean, undefined where none is kept: the storage of the enrolment service where one was set up beside the authority, and
 * otherwise a file. Of the two only one may give out addresses.
 */
export async function ledgerOf(flags: LedgerFlags): Promise<OpenLedger | undefined> {
  const stored = await storedLedger(flags);
  if (stored) return stored;
  const file = ledgerFileOf(flags);
  return file && onDisk(file);
}

/** The same for commands that are about nothing else. */
export async function existingLedger(flags: LedgerFlags): Promise<OpenLedger> {
  return (await storedLedger(flags)) ?? onDisk(existingLedgerOf(flags));
}

/** The storage that holds the ledger which the flags mean, undefined where that is a file or there is none. One that is named and not there is refused. */
export function ledgerStore(flags: LedgerFlags & Partial<StoreFlags>): string | undefined {
  if (flags.ledger === false || flags.caCrt === "-") return undefined;
  if (flags.ledger !== undefined) return isPostgres(flags.ledger) ? flags.ledger : undefined;
  const store = storeOf(flags);
  if (isPostgres(store) || fs.existsSync(store)) return store;
  if (!isStoreNamed(flags)) return undefined;
  const todo = "correct its path, or set it up: lacis-cert network";
  throw new Failure({ what: store, why: "there is no such storage", todo });
}

async function storedLedger(flags: LedgerFlags): Promise<OpenLedger | undefined> {
  const store = ledgerStore(flags);
  if (store === undefined) return undefined;
  const { migrate } = await import("../enrolment/storage/schema.ts");
  const database = await openStore({ ...flags, store });
  await migrate(database);
  return new AuditedLedger(database);
}

/** What is done by hand stands in the service's audit log too. */
class AuditedLedger extends StoredLedger implements OpenLedger {
  readonly #database: Database;

  constructor(database: Database) {
    super(database);
    this.#database = database;
  }

  readWhole(): Promise<LedgerContent> {
    return this.read();
  }

  override async enter(sql: Sql, entries: readonly LedgerEntry[]): Promise<void> {
    await super.enter(sql, entries);
    const { who, nowSeconds } = localOperator();
    for (const entry of entries) {
      if (entry.event === "unfinished") continue;
      const certificate = entry.event === "signed" ? (entry.fingerprints[0] ?? "") : "";
      const action = entry.event === "withdrawn" ? "not-signed" : entry.event;
      await writeAudit(sql, { who, action, subject: entry.name, detail: { certificate } }, nowSeconds);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#database.close();
  }
}

function onDisk(file: LedgerFile): OpenLedger {
  return {
    read: () => file.read(),
    readWhole: async () => file.readWhole(),
    append: (...entries) => file.append(...entries),
    claim: (entries, judge) => file.claim(entries, judge),
    [Symbol.asyncDispose]: async () => {},
  };
}
