import { type Instant, instant } from "../../base/time.ts";
import type { RecvErrorPolicy } from "../../dataplane/contract.ts";
import { type Endpoint, endpointAddress } from "../../netip/endpoint.ts";
import { isPrivate } from "../../netip/special.ts";
import { endpointOf } from "../../path/path.ts";
import type { Session } from "../../peer/session.ts";
import type { Vitals } from "../../peer/vitals.ts";

/** One reaction per peer in this time, however many arrive, and for however many sessions with it (reliability R12). */
const REACTION_INTERVAL_MS = 5000;

/**
 * The session that a recv_error disowns: known under this index of the peer, proven, and on exactly the path the datagram came from. It is
 * unauthenticated, so it never ends a session; the caller starts a handshake beside it (reliability R12).
 */
export function disownedSession(
  sessions: readonly Session[],
  source: Endpoint,
  policy: RecvErrorPolicy,
  lastReactedAt: (session: Session) => Instant | undefined,
  now: Instant,
): Session | undefined {
  if (!isAllowed(policy, source)) return undefined;
  return sessions.find((session) => {
    if (session.state.at !== "live" || endpointOf(session.path) !== source) return false;
    const reactedAt = lastReactedAt(session);
    return reactedAt === undefined || now - reactedAt >= REACTION_INTERVAL_MS;
  });
}

/** When it was last said of any session with a peer: what comes for the new one may come from whoever had it made. */
export function lastDisownedAt(vitals: readonly Vitals[]): Instant | undefined {
  const times = vitals.flatMap(({ lastRecvErrorAt }) => lastRecvErrorAt ?? []);
  return times.length === 0 ? undefined : instant(Math.max(...times));
}

function isAllowed(policy: RecvErrorPolicy, source: Endpoint): boolean {
  if (policy !== "private") return policy === "always";
  return isPrivate(endpointAddress(source));
}
