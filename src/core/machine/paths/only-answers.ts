import type { LocalIndex } from "../../path/session-index.ts";
import type { Session } from "../../peer/session.ts";
import type { Facts } from "../facts.ts";

/** Whether this host has no device, was called, and has sent nothing of its own on this session, which would be watched then. */
export function onlyAnswers(
  { settings }: Facts,
  { localIndex, message1Hash }: Session,
  watched: ReadonlyMap<LocalIndex, number>,
): boolean {
  return settings.boot.tun.disabled && message1Hash !== undefined && !watched.has(localIndex);
}
