import type { Instant } from "../base/time.ts";
import type { RecvErrorPolicy } from "../dataplane/contract.ts";
import { type Endpoint, endpointAddress } from "../netip/endpoint.ts";
import { isPrivate } from "../netip/special.ts";
import type { Tunnel } from "./tunnel.ts";

/** One reaction per session in this time, however many arrive (reliability R12). */
const REACTION_INTERVAL_MS = 5000;

/**
 * The session that a recv_error disowns: known under this index of the peer, proven, and on exactly the path the datagram came from. It is
 * unauthenticated, so it never ends a session; the caller starts a handshake beside it (reliability R12).
 */
export function disownedSession(
  sessions: readonly Tunnel[],
  source: Endpoint,
  policy: RecvErrorPolicy,
  now: Instant,
): Tunnel | undefined {
  if (!isAllowed(policy, source)) return undefined;
  return sessions.find(
    ({ state, path, lastRecvErrorAt }) =>
      state.at === "live" &&
      path === source &&
      (lastRecvErrorAt === undefined || now - lastRecvErrorAt >= REACTION_INTERVAL_MS),
  );
}

function isAllowed(policy: RecvErrorPolicy, source: Endpoint): boolean {
  if (policy !== "private") return policy === "always";
  return isPrivate(endpointAddress(source));
}
