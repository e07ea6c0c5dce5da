import { clause } from "../admin/clause.ts";
import { duration } from "../admin/duration.ts";
import type { PingReport } from "../admin/ping-report.ts";
import { harmless } from "../runtime/log/log-text.ts";

/** One ping as one line, stable enough to paste into a report. */
export function pingLine(result: PingReport, target: string): string {
  // The caller escapes the line as a whole; a name has no say in how long it is.
  if (result.outcome === "failed") {
    const who = [result.name && harmless(result.name), result.address].filter((part) => part !== null);
    return `no answer from ${who.length === 2 ? `${who[0]} (${who[1]})` : (who[0] ?? target)} - ${clause(result.text)} - ${clause(result.hint)}`;
  }
  const direct = result.path === null ? "" : ` direct ${result.path}`;
  // A daemon of an older version knows no relays.
  const { relay = null }: Partial<typeof result> = result;
  const path = relay === null ? direct : ` via ${harmless(relay.name)}`;
  const built = result.handshakeMs === null ? "" : ` (tunnel built in ${duration(result.handshakeMs)})`;
  return `pong from ${harmless(result.name)} (${result.address})${path} in ${duration(result.roundTripMs)}${built}`;
}
