import type { Machines, NodeEvent } from "./machines.ts";

/** Who forgets a session that is gone, and a peer that has none left. */
export function hearOfEnds(
  { kind, session }: Extract<NodeEvent, { kind: "session-gone" | "peer-down" }>,
  machines: Machines,
): void {
  const { discovery, gateways, liveness, nat, pathMtu, paths, promotion, relays, shortcuts } = machines;
  if (kind === "peer-down") {
    discovery.peerDown(session);
    nat.peerDown(session);
    relays.peerDown(session);
    return;
  }
  liveness.forget(session);
  paths.forget(session);
  relays.sessionGone(session);
  shortcuts.forget(session);
  promotion.forget(session);
  gateways.sessionGone(session);
  pathMtu.forget(session);
}
