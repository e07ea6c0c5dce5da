/**
 * Where an enrolment service keeps what it knows. Two engines, one SQL: statements are written in what SQLite and PostgreSQL both understand, with
 * $1, $2 … for values, so everything above this file is there once.
 */
export interface Database extends Sql {
  /** For people: a path, or a server and a database without its password. */
  readonly name: string;
  /**
   * A transaction that nobody else runs at the same time, on whatever machine: what it reads stays true until it has written. It is kept when `work`
   * resolves, and undone when it rejects.
   */
  exclusively<Value>(work: (sql: Sql) => Promise<Value>): Promise<Value>;
  /** How far the engine's own clock is ahead of this machine's, in milliseconds. */
  clockOffsetMs(): Promise<number>;
  close(): Promise<void>;
}

export interface Sql {
  /** Runs one statement and gives its rows. Outside of `exclusively` it sees what is kept. */
  run(statement: string, ...values: readonly SqlValue[]): Promise<readonly Row[]>;
}

export type SqlValue = string | number | null;
export type Row = Readonly<Record<string, SqlValue | undefined>>;

/** A column that holds text, and one that holds a whole number. */
export function textOf(row: Row | undefined, column: string): string {
  const value = row?.[column];
  return typeof value === "string" ? value : "";
}

export function numberOf(row: Row | undefined, column: string): number {
  const value = row?.[column];
  return typeof value === "number" ? value : 0;
}
