import type { Instant } from "../../base/time.ts";
import type { OwnedSession, Session } from "../../peer/session.ts";

/** Of the sessions that reach an address whose own one is lost, the one that should send: the live one heard from last. */
export function successorAmong(
  sessions: readonly OwnedSession[],
  lastReceivedAt: (session: Session) => Instant | undefined,
): OwnedSession | undefined {
  const heardAt = (session: Session): number => lastReceivedAt(session) ?? 0;
  const live = sessions.filter(({ state }) => state.at === "live");
  return live.reduce<OwnedSession | undefined>(
    (best, candidate) => (best === undefined || heardAt(candidate) > heardAt(best) ? candidate : best),
    undefined,
  );
}
