import type { EventReport } from "../admin/protocol.ts";
import { logfmt } from "../runtime/log/log-text.ts";

/** An event as a line of the log. */
export function eventLine({ time, level, code, text, fields }: EventReport): string {
  return logfmt(JSON.stringify({ time, level, msg: text, code, ...fields }));
}

/** In place of events that this reader was too slow for. */
export function lostLine(count: number): string {
  const msg = `${count} ${count === 1 ? "event was" : "events were"} left out here: the reader did not keep up.`;
  return logfmt(JSON.stringify({ level: "warn", msg, code: "events-lost", count }));
}
