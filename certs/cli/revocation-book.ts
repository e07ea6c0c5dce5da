import type { Bulletin } from "../../src/core/bulletin/bulletin.ts";
import type { LedgerContent } from "../ledger/content.ts";
import { withDesk } from "./desk.ts";
import { Failure } from "./failure.ts";
import { ledgerStore } from "./ledger.ts";
import { existingLedgerOf, type LedgerFlags } from "./ledger-file.ts";
import { now } from "./now.ts";
import { localOperator, type StoreFlags } from "./service-files.ts";
import { orFail } from "./values.ts";

/** Where it stands what was signed and taken back: a ledger's file, or the storage of an enrolment service, which keeps an audit log of it too. */
export interface RevocationBook {
  read(): Promise<LedgerContent>;
  /** All that the name has until now. Refused when nobody has that name. */
  revoke(name: string, reason: string): Promise<void>;
  /** What hosts are told is signed now: nobody else has to. */
  keepList(list: Bulletin): Promise<void>;
}

/** Runs with the book that the flags mean. */
export async function withBook<Value>(
  flags: LedgerFlags & StoreFlags,
  work: (book: RevocationBook) => Promise<Value>,
): Promise<Value> {
  const store = ledgerStore(flags);
  if (store === undefined) return work(ledgerBook(flags));
  const { keepList } = await import("../enrolment/signing/kept-list.ts");
  return withDesk({ ...flags, store }, ({ desk, registrar, database }) =>
    work({
      read: () => registrar.ledger.read(),
      revoke: async (name, reason) => orFail(await desk.revoke(name, reason, localOperator())),
      keepList: async (list) => database.exclusively(async (sql) => void (await keepList(sql, list))),
    }),
  );
}

function ledgerBook(flags: LedgerFlags): RevocationBook {
  const file = existingLedgerOf(flags);
  return {
    read: () => file.read(),
    async revoke(name) {
      const { names } = await file.read();
      if (!names.includes(name)) throw await unknownName(name, names);
      await file.append({ event: "revoked", at: new Date(Number(now().seconds) * 1000).toISOString(), name });
    },
    // Beside a ledger's file there is nobody who would ask.
    keepList: async () => {},
  };
}

async function unknownName(name: string, names: readonly string[]): Promise<Failure> {
  const { nearest } = await import("../../src/core/base/suggest.ts");
  const meant = nearest(name, names);
  const todo = meant === undefined ? "see list -all" : `did you mean ${JSON.stringify(meant)}?`;
  return new Failure({ what: JSON.stringify(name), why: "the ledger does not have this name", todo });
}
