import type { LedgerContent } from "../ledger/content.ts";
import { Failure } from "./failure.ts";
import { existingLedgerOf, type LedgerFlags } from "./ledger-file.ts";
import { now } from "./now.ts";

/** Where it stands what was signed and taken back. */
export interface RevocationBook {
  read(): Promise<LedgerContent>;
  /** All that the name has until now. Refused when nobody has that name. */
  revoke(name: string, reason: string): Promise<void>;
}

/** Runs with the book that the flags mean. */
export async function withBook<Value>(
  flags: LedgerFlags,
  work: (book: RevocationBook) => Promise<Value>,
): Promise<Value> {
  return work(ledgerBook(flags));
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
  };
}

async function unknownName(name: string, names: readonly string[]): Promise<Failure> {
  const { nearest } = await import("../../src/core/base/suggest.ts");
  const meant = nearest(name, names);
  const todo = meant === undefined ? "see list -all" : `did you mean ${JSON.stringify(meant)}?`;
  return new Failure({ what: JSON.stringify(name), why: "the ledger does not have this name", todo });
}
