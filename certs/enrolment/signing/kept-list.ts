import { toHex } from "../../../src/core/base/bytes.ts";
import { formatBulletin } from "../../../src/core/bulletin/armour.ts";
import type { Bulletin } from "../../../src/core/bulletin/bulletin.ts";
import { decodeRevocations } from "../../../src/core/bulletin/revocations.ts";
import { revocationsOf } from "../../bulletin.ts";
import type { LedgerContent } from "../../ledger/content.ts";
import { readFact, writeFact } from "../facts.ts";
import type { Sql } from "../storage/database.ts";

/** The newest list of revoked keys that was signed. */
export interface KeptList {
  readonly number: number;
  /** The bulletin, PEM. */
  readonly bulletin: string;
}

const NAME = "revocations";

export async function keptList(sql: Sql): Promise<KeptList | undefined> {
  return (await readFact(sql, NAME)) as KeptList | undefined;
}

/** Keeps it, unless one with its number or a higher one is kept; says whether. */
export async function keepList(sql: Sql, bulletin: Bulletin): Promise<boolean> {
  const { number } = bulletin.head;
  const before = await keptList(sql);
  if (before && before.number >= number) return false;
  await writeFact(sql, NAME, { number, bulletin: formatBulletin(bulletin) } satisfies KeptList);
  return true;
}

/** Whether somebody was revoked who is not on the list that was signed last. */
export async function isListDue(sql: Sql, ledger: LedgerContent): Promise<boolean> {
  return ledger.lastRevocation > ((await keptList(sql))?.number ?? 0);
}

/** Why a list is not the one that hosts are to hear, if it is not: it goes back, or lacks somebody who is revoked here. A clause. */
export async function missingFromList(
  sql: Sql,
  { head, body }: Bulletin,
  ledger: LedgerContent,
  nowSeconds: number,
): Promise<string | undefined> {
  const before = (await keptList(sql))?.number ?? 0;
  if (head.number < before) return `list ${before} was signed already, and nothing goes back`;
  if (head.number > ledger.entryCount)
    return `its number is ${head.number}, and there are ${ledger.entryCount} entries`;
  const list = decodeRevocations(body);
  if (!list.ok) return list.reason;
  const keys = new Set(list.value.map(({ publicKey }) => toHex(publicKey)));
  const missing = revocationsOf(ledger, nowSeconds).find(({ publicKey }) => !keys.has(toHex(publicKey)));
  return missing && `${missing.name} was revoked since, and is not on it`;
}
