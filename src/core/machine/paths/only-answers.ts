import type { LocalIndex } from "../../path/session-index.ts";
import { roleIn, type Session } from "../../peer/session.ts";
import type { Facts } from "../facts.ts";

/** Whether this host has no device, was called, and has sent nothing of its own on this session, which would be watched then. */
export function onlyAnswers({ settings }: Facts, session: Session, watched: ReadonlyMap<LocalIndex, number>): boolean {
  return settings.boot.tun.disabled && roleIn(session) === "responder" && !watched.has(session.localIndex);
}
