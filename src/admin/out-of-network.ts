import type { Health } from "../runtime/service.ts";

/** What is wrong with this host itself, so that nobody lets it in: whatever else is tried comes to nothing. */
const OUT: ReadonlySet<string> = new Set(["revoked", "debug-access-over"]);

export function whyOut(health: readonly Health[]): Pick<Health, "text" | "todo"> | undefined {
  return health.find(({ code }) => OUT.has(code));
}
