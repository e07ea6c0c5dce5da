import type { Machines, NodeEvent } from "./machines.ts";

/** Who hears what about sessions that a control plane before this one has made, and its data plane has kept. */
export function hearOfOutlived(
  event: Extract<NodeEvent, { kind: "adopt" | "taken-over" }>,
  machines: Pick<
    Machines,
    | "carriers"
    | "discovery"
    | "liveness"
    | "nat"
    | "pathMtu"
    | "paths"
    | "policies"
    | "relays"
    | "sessions"
    | "shortcuts"
  >,
): void {
  const { carriers, discovery, liveness, nat, pathMtu, paths, policies, relays, sessions, shortcuts } = machines;
  if (event.kind === "taken-over") {
    policies.rebind();
    relays.adopt(event.relays);
    relays.start();
    discovery.start();
    return;
  }
  const { session } = event;
  discovery.recall(session, event.endpoints);
  sessions.adopt(session, { primary: event.primary });
  liveness.adopted(session, event.sendCounter);
  carriers.adopted(session);
  nat.sessionUp(session);
  paths.adopted(session);
  shortcuts.watch(session);
  pathMtu.adopted(session);
}
