import type { NetworkPlan } from "../../src/core/enrolment/messages.ts";
import { type Sql, textOf } from "./storage/database.ts";

/** What holds for the whole service, whichever instance answers. */
export interface ServiceFacts {
  readonly network: NetworkPlan;
  /** Authorities that hosts are to trust, PEM: several while one takes the place of another. */
  readonly authorities: string;
  /** Fingerprint of the one that signs. */
  readonly authority: string;
  /** SHA-256 of the service's TLS key, which every instance shares. */
  readonly serviceKey: string;
  /** Number of the network's policy; 0 while there is none. */
  readonly policy: number;
  /** How long a host may be let in to debug something, seconds; undefined: a day. */
  readonly debugSecondsMax?: number | undefined;
}

/** Undefined until the service was set up. */
export async function readFacts(sql: Sql): Promise<ServiceFacts | undefined> {
  const rows = await sql.run(
    "SELECT name, value FROM facts WHERE name IN ('network', 'authorities', 'authority', 'serviceKey', 'policy', 'debugSecondsMax')",
  );
  const facts: Readonly<Record<string, unknown>> = Object.fromEntries(
    rows.map((row) => [textOf(row, "name"), JSON.parse(textOf(row, "value"))]),
  );
  return "network" in facts ? (facts as object as ServiceFacts) : undefined;
}

export async function writeFacts(sql: Sql, facts: Partial<ServiceFacts>): Promise<void> {
  for (const [name, value] of Object.entries(facts)) if (value !== undefined) await writeFact(sql, name, value);
}

/** One by its name; undefined when it was never written. */
export async function readFact(sql: Sql, name: string): Promise<unknown> {
  const [row] = await sql.run("SELECT value FROM facts WHERE name = $1", name);
  return row && JSON.parse(textOf(row, "value"));
}

export async function writeFact(sql: Sql, name: string, value: unknown): Promise<void> {
  await sql.run(
    "INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    name,
    JSON.stringify(value),
  );
}
