import type { Database } from "./database.ts";

/** The storage that is meant: a server's address, or a file. */
export async function openDatabase(location: string): Promise<Database> {
  if (isPostgres(location)) return (await import("./postgres.ts")).openPostgres(location);
  return (await import("./sqlite.ts")).openSqlite(location);
}

export function isPostgres(location: string): boolean {
  return /^postgres(ql)?:\/\//.test(location);
}
