import type { Facts } from "../machine/facts.ts";
import type { IpAddress } from "../netip/address.ts";
import type { Peers } from "../peer/peer.ts";
import { nameAddress } from "../peer/session.ts";
import type { Machines, NodeEvent } from "./machines.ts";

type About = "carried" | "udp-returned" | "relay-sought" | "call-begun" | "wrong-responder";

/** Who hears what about ways over TCP. */
export function hearOfTcp(
  event: Extract<NodeEvent, { kind: About }>,
  peers: Peers,
  {
    calls,
    carriers,
    discovery,
    liveness,
    shortcuts,
  }: Pick<Machines, "calls" | "carriers" | "discovery" | "liveness" | "shortcuts">,
): void {
  switch (event.kind) {
    case "carried":
      // Whoever is called, or does not answer, is called through this one, too.
      for (const session of peers.primaries()) if (liveness.isSuspect(session)) calls.start(nameAddress(session));
      for (const { call } of [...peers.called()]) if (call) calls.newWays(call.target);
      discovery.presence.hurry(0);
      return;
    case "udp-returned":
      shortcuts.moved();
      return;
    case "relay-sought":
      carriers.sought(event.relay);
      return;
    case "call-begun":
      if (!peers.primaryOf(event.target)) carriers.called(event.target);
      return;
    case "wrong-responder":
      carriers.wrongResponder(event.target, event.at);
  }
}

/** Through whom others are told that we are reached: those of the configuration, and hosts that we reach over TCP; nobody for a relay. */
export function ownRelays({ settings }: Facts, { carriers }: Pick<Machines, "carriers">): readonly IpAddress[] {
  const { amRelay, relays } = settings.live.relay;
  return amRelay ? [] : [...new Set([...relays, ...carriers.relays()])];
}
