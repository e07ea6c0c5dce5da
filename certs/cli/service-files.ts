import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Command } from "commander";
import type { ServiceIdentity } from "../enrolment/identity.ts";
import type { Database } from "../enrolment/storage/database.ts";
import { closeToOthers, readText } from "./files.ts";
import { now } from "./now.ts";
import { orFail } from "./values.ts";

/** The flags that say where an enrolment service keeps what it knows. */
export interface StoreFlags {
  readonly caCrt: string;
  readonly store?: string;
}

export interface ServiceKeyFlags {
  readonly caCrt: string;
  readonly serviceKey?: string;
}

/** Where a server's password may be, which no command line may show. */
export const STORE_VARIABLE = "LACIS_ENROLMENT_STORE";

/** Adds what every command of the service has. */
export function withStore(command: Command): Command {
  return command
    .option("--ca-crt <path>", "certificate of the authority", "ca.crt")
    .option(
      "--store <place>",
      `where the service keeps its data: a file, or postgresql://…; without it ${STORE_VARIABLE}, or enrolment.db beside the authority's certificate`,
    );
}

/** "enrolment.db" beside "ca.crt", and so on. */
export function storeOf(flags: StoreFlags): string {
  return namedStore(flags) || beside(flags.caCrt, "enrolment.db");
}

/** Whether somebody has said where it is. */
export function isStoreNamed(flags: Pick<StoreFlags, "store">): boolean {
  return namedStore(flags) !== "";
}

function namedStore({ store }: Pick<StoreFlags, "store">): string {
  return store ?? process.env[STORE_VARIABLE] ?? "";
}

/** Opens the storage. A file is only there for its owner. */
export async function openStore(flags: StoreFlags): Promise<Database> {
  const { openDatabase } = await import("../enrolment/storage/open.ts");
  const umask = process.umask(0o077);
  return openDatabase(storeOf(flags)).finally(() => process.umask(umask));
}

/** Runs with the storage open and of this version, and closes it whatever happens. */
export async function withDatabase<Value>(
  flags: StoreFlags,
  work: (database: Database) => Promise<Value>,
): Promise<Value> {
  const { migrate } = await import("../enrolment/storage/schema.ts");
  const database = await openStore(flags);
  try {
    await migrate(database);
    return await work(database);
  } finally {
    await database.close();
  }
}

export function serviceKeyFile(flags: ServiceKeyFlags): string {
  return flags.serviceKey ?? beside(flags.caCrt, "enrolment.key");
}

/** Who may sign in, where the command line names no other file. */
export function signInFile(flags: Pick<ServiceKeyFlags, "caCrt">): string {
  return beside(flags.caCrt, "sign-in.json");
}

export async function openIdentity(flags: ServiceKeyFlags): Promise<ServiceIdentity> {
  const { openServiceKey } = await import("../enrolment/identity.ts");
  const file = serviceKeyFile(flags);
  const identity = orFail(openServiceKey(readText(file), file));
  closeToOthers(file);
  return identity;
}

/** Whoever runs this command, for the audit log. */
export function localOperator(): { readonly who: string; readonly nowSeconds: number } {
  return { who: userName(), nowSeconds: Number(now().seconds) };
}

function userName(): string {
  try {
    return os.userInfo().username;
  } catch {
    // A container may run as a number without a name.
    return `user ${process.getuid?.() ?? "unknown"}`;
  }
}

function beside(file: string, name: string): string {
  return path.join(path.dirname(file), name);
}

export function exists(file: string): boolean {
  return fs.existsSync(file);
}
