import { parseEntries } from "../ledger/entry.ts";
import { writeAudit } from "./audit.ts";
import type { Operator } from "./desk.ts";
import { readFacts, type ServiceFacts, writeFacts } from "./facts.ts";
import { StoredLedger } from "./ledger.ts";
import type { Database } from "./storage/database.ts";
import { StorageFailure } from "./storage/failure.ts";
import { migrate } from "./storage/schema.ts";

/** Clocks of an instance and of the database that are further apart would argue about what has expired. */
const CLOCKS_APART_MAX_MS = 30_000;

export interface SetUp {
  readonly facts: ServiceFacts;
  /** Text of a ledger file that was kept until now; its certificates go on belonging to who has them. */
  readonly ledger: string | undefined;
}

/** Begins a service in a storage, or changes what an existing one says of its network. An existing ledger is taken over once. */
export async function setUp(
  database: Database,
  { facts, ledger }: SetUp,
  { who, nowSeconds }: Operator,
): Promise<void> {
  await migrate(database);
  await database.exclusively(async (sql) => {
    const before = await readFacts(sql);
    if (before) refuseOther(database.name, before, facts);
    await writeFacts(sql, { ...facts, policy: before?.policy ?? facts.policy });
    const { name, networks } = facts.network;
    const action = before ? "network" : "began";
    await writeAudit(sql, { who, action, subject: name, detail: { networks, authority: facts.authority } }, nowSeconds);
    if (before || ledger === undefined) return;
    const entries = parseEntries(ledger);
    if (!entries.ok) {
      const todo = "restore it from a backup, or move it away";
      throw new StorageFailure("damaged", { what: "the ledger beside the authority", why: entries.reason, todo });
    }
    await new StoredLedger(database).enter(sql, entries.value);
    const detail = { entries: entries.value.length };
    await writeAudit(sql, { who, action: "imported", subject: "ledger", detail }, nowSeconds);
  });
}

/** Whom hosts are to trust and who signs from now on, while one authority takes the place of another. */
export async function changeAuthority(
  database: Database,
  { authorities, authority }: Pick<ServiceFacts, "authorities" | "authority">,
  { who, nowSeconds }: Operator,
): Promise<void> {
  await migrate(database);
  await database.exclusively(async (sql) => {
    const before = await readFacts(sql);
    if (!before) return;
    await writeFacts(sql, { authorities, authority });
    const detail = { before: before.authority, authority };
    await writeAudit(sql, { who, action: "authority", subject: before.network.name, detail }, nowSeconds);
  });
}

/** What an instance brings along. */
export interface Instance {
  /** Fingerprint of the authority that it signs with; undefined when it signs nothing. */
  readonly authority: string | undefined;
  readonly serviceKey: string;
}

/** That this instance may answer for the service in this storage: of instances that disagree, none but the first may. */
export async function checkInstance(database: Database, { authority, serviceKey }: Instance): Promise<ServiceFacts> {
  await migrate(database);
  const facts = await readFacts(database);
  if (!facts) {
    const todo = "say what network it is for: lacis-cert network -help";
    throw new StorageFailure("unavailable", {
      what: database.name,
      why: "no enrolment service was set up in it",
      todo,
    });
  }
  refuseOther(database.name, facts, { authority: authority ?? facts.authority, serviceKey });
  const apart = await database.clockOffsetMs();
  if (Math.abs(apart) > CLOCKS_APART_MAX_MS) {
    const off = `${Math.round(Math.abs(apart) / 1_000)} s ${apart > 0 ? "behind" : "ahead of"}`;
    const why = `this machine's clock is ${off} that of the database, and instances would disagree about what has expired`;
    throw new StorageFailure("disagrees", { what: database.name, why, todo: "set the clock (NTP)" });
  }
  return facts;
}

function refuseOther(name: string, facts: ServiceFacts, own: Pick<ServiceFacts, "authority" | "serviceKey">): void {
  if (facts.authority !== own.authority) {
    const why = `it belongs to the authority ${facts.authority.slice(0, 16)}…, and this one is ${own.authority.slice(0, 16)}…`;
    throw new StorageFailure("disagrees", { what: name, why, todo: "give that authority's files, or another storage" });
  }
  if (facts.serviceKey !== own.serviceKey) {
    const why = "other instances show another key than this one, and tokens name theirs";
    throw new StorageFailure("disagrees", { what: name, why, todo: "copy their enrolment.key to this machine" });
  }
}
