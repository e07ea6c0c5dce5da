import { duration } from "../admin/duration.ts";
import type { PingResult } from "../core/io.ts";
import { harmless } from "../runtime/log-text.ts";

/** One ping as one line, stable enough to paste into a report. */
export function pingLine(result: PingResult, target: string): string {
  if (result.outcome === "failed") {
    const who = [result.name, result.address].filter((part) => part !== undefined);
    return `no answer from ${who.length === 2 ? `${who[0]} (${who[1]})` : (who[0] ?? target)} - ${result.text} - ${result.hint}`;
  }
  const path = result.path === undefined ? "" : ` direct ${result.path}`;
  const built = result.handshakeMs === undefined ? "" : ` (tunnel built in ${duration(result.handshakeMs)})`;
  return `pong from ${harmless(result.name)} (${result.address})${path} in ${duration(result.roundTripMs)}${built}`;
}
