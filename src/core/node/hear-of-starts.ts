import type { Session } from "../peer/session.ts";
import type { Machines } from "./machines.ts";

/** A session with a peer is up: who hears of it, in this order. */
export function hearOfStart(session: Session, machines: Machines): void {
  const { bulletins, calls, carriers, discovery, gateways, nat, pathMtu, paths, pings, relays, shortcuts, turnedAway } =
    machines;
  calls.reached(session.addresses);
  pings.sessionUp(session);
  discovery.sessionUp(session);
  nat.sessionUp(session);
  relays.sessionUp(session);
  carriers.sessionUp(session);
  shortcuts.watch(session);
  paths.sessionUp(session);
  gateways.sessionUp(session);
  pathMtu.sessionUp(session);
  bulletins.sessionUp(session);
  turnedAway.sessionUp();
}
