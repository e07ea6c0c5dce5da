import type { Certificate } from "../../src/core/cert/certificate.ts";
import { signedEntry } from "../ledger/entry.ts";
import type { LedgerFile } from "./ledger-file.ts";

/**
 * Gives certificates out: enters them into the ledger, if there is one and it agrees, then writes the files. In this order a crash leaves an entry
 * without a certificate (revoke the name, sign again) and never a certificate that the ledger does not know.
 */
export function handOut(
  certificates: readonly Certificate[],
  options: {
    readonly ledger: LedgerFile | undefined;
    readonly nowSeconds: bigint;
    /** Groups that need not be in the ledger: the authority's own list, and those that are new on purpose. */
    readonly knownGroups: readonly string[];
    readonly write: () => void;
  },
): void {
  const { ledger, knownGroups, write } = options;
  if (!ledger) {
    write();
    return;
  }
  const nowSeconds = Number(options.nowSeconds);
  const at = new Date(nowSeconds * 1000).toISOString();
  const entries = certificates.map((certificate) => signedEntry(certificate, at));
  ledger.claim(entries, (known, entry) => known.refusalOf(entry, { nowSeconds, knownGroups }));
  try {
    write();
  } catch (error) {
    ledger.withdraw(entries);
    throw error;
  }
}
