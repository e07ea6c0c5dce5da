import type { Authority } from "../authority.ts";
import type { Desk } from "../enrolment/desk.ts";
import type { Registrar } from "../enrolment/registrar.ts";
import type { Database } from "../enrolment/storage/database.ts";
import { type StoreFlags, withDatabase } from "./service-files.ts";

/** An enrolment service's desk, and what is behind it. */
export interface OpenDesk {
  readonly desk: Desk;
  readonly registrar: Registrar;
  readonly database: Database;
}

/** Runs at the desk of the service whose storage the flags mean. `authority`: where something is to be signed. */
export async function withDesk<Value>(
  flags: StoreFlags,
  work: (open: OpenDesk) => Promise<Value>,
  authority?: Authority,
): Promise<Value> {
  const { Desk } = await import("../enrolment/desk.ts");
  const { Registrar } = await import("../enrolment/registrar.ts");
  return withDatabase(flags, async (database) => {
    const registrar = new Registrar(database, authority);
    return work({ desk: new Desk(database, registrar), registrar, database });
  });
}
