import { printable } from "../../src/core/base/printable.ts";

/**
 * Says in one line what was made and where it is. On standard error, because nebula-cert prints nothing on standard output here, and scripts take
 * what stands there for the certificate.
 */
export function sayMade(what: string, files: readonly string[]): void {
  const where = files.map((file) => (file === "-" ? "standard output" : file)).join(", ");
  process.stderr.write(`lacis-cert: made ${printable(what)} - ${printable(where)}\n`);
}

/** The day of a moment, in UTC. */
export function dayOf(unixSeconds: bigint): string {
  const date = new Date(Number(unixSeconds) * 1_000);
  return Number.isNaN(date.getTime()) ? `second ${unixSeconds}` : date.toISOString().slice(0, 10);
}
