import { ok, type Result } from "../src/core/base/result.ts";
import type { Certificate } from "../src/core/cert/certificate.ts";
import { signedEntry, withdrawnEntry } from "./ledger/entry.ts";
import type { Ledger } from "./ledger/ledger.ts";
import type { Refusal } from "./refusal.ts";

export interface HandOut {
  /** Undefined where none is kept. */
  readonly ledger: Ledger | undefined;
  readonly nowSeconds: bigint;
  /** Groups that need not be in the ledger: the authority's own list, and those that are new on purpose. */
  readonly knownGroups: readonly string[];
  /** Brings the certificates to whoever is to have them, all or none. */
  readonly write: () => void | Promise<void>;
}

/**
 * Gives certificates out: claims their names and addresses in the ledger, then writes them, and takes the claim back if that fails. In this order a
 * crash leaves an entry without a certificate (revoke the name, sign again) and never a certificate that the ledger does not know.
 */
export async function handOut(certificates: readonly Certificate[], options: HandOut): Promise<Result<void, Refusal>> {
  const { ledger, knownGroups, write } = options;
  const nowSeconds = Number(options.nowSeconds);
  const at = new Date(nowSeconds * 1000).toISOString();
  const entries = certificates.map((certificate) => signedEntry(certificate, at));
  const claimed = await ledger?.claim(entries, (before, entry) => before.refusalOf(entry, { nowSeconds, knownGroups }));
  if (claimed && !claimed.ok) return claimed;
  try {
    await write();
  } catch (error) {
    await ledger?.append(...entries.map((entry) => withdrawnEntry(entry)));
    throw error;
  }
  return ok(undefined);
}
