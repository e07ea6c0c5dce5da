import { nameAddress } from "../peer/session.ts";
import type { Machines, NodeEvent } from "./machines.ts";

type About =
  | "probe"
  | "measure"
  | "used"
  | "doubted"
  | "false-alarm"
  | "path-heard"
  | "ping-replied"
  | "use-path"
  | "silent"
  | "moved"
  | "straight-failed";

/** Who hears what about the ways to peers: how they are measured, doubted, left and found. */
export function hearOfWays(event: Extract<NodeEvent, { kind: About }>, machines: Machines): void {
  const { calls, carriers, gateways, liveness, nat, paths, pings, relays, sessions, shortcuts } = machines;
  switch (event.kind) {
    case "probe":
      paths.probe(event.session, event.pingId);
      return;
    case "measure":
      paths.measure(event.session);
      return;
    case "used":
      paths.used(event.session, event.sentPerSecond);
      return;
    case "doubted":
      paths.doubted(event.session);
      return;
    case "false-alarm":
      if (!event.isCalled) paths.falseAlarm(event.session);
      // Other implementations send on the new session as soon as they have answered: with them the call goes on.
      else if (paths.speaksPathProbes(event.session)) calls.calm(nameAddress(event.session));
      return;
    case "path-heard":
      liveness.heard(event.session);
      return;
    case "ping-replied":
      pings.replied(event.pingId, event.session, event.roundTripMs);
      return;
    case "use-path":
      sessions.usePath(event.session, event.path, event.shunLeft ? { shunLeft: true } : {});
      shortcuts.watch(event.session);
      return;
    case "silent":
      relays.silent(event.session);
      gateways.fellSilent(event.session);
      carriers.silent(event.session);
      return;
    case "moved":
      liveness.probeAll({ callAnew: event.isForgotten });
      shortcuts.moved();
      carriers.moved();
      nat.moved();
      return;
    case "straight-failed":
      shortcuts.failed(event.target, event.failure);
      return;
  }
}
