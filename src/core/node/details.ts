import type { NodeDetails, SessionDetails } from "../io.ts";
import type { Facts } from "../machine/facts.ts";
import { endpointOf } from "../path/path.ts";
import type { Peers } from "../peer/peer.ts";
import { relayOn } from "../peer/place.ts";
import { nameAddress } from "../peer/session.ts";
import type { Machines } from "./machines.ts";

/** A node looked at closely, for the console. */
export function detailsOf(facts: Facts, peers: Peers, { discovery }: Pick<Machines, "discovery">): NodeDetails {
  const { credential, initiatingVersion } = facts.settings.live.identity;
  return {
    networks: credential.networks,
    certificates: Object.values(credential.certificates).filter((certificate) => certificate !== undefined),
    initiatingVersion,
    sessions: [...peers.sessions()].map((session): SessionDetails => {
      const relay = relayOn(session.path, peers);
      return {
        addresses: session.addresses,
        localIndex: session.localIndex,
        remoteIndex: session.remoteIndex,
        isPrimary: peers.isPrimary(session),
        endpoints: discovery.endpointsOf(nameAddress(session)),
        certificate: session.peer,
        sentPackets: session.vitals.sentPackets,
        path: endpointOf(session.path),
        relay: relay && nameAddress(relay),
      };
    }),
    calls: [...peers.called()].flatMap(({ call }) =>
      call
        ? {
            address: call.target,
            localIndex: call.progress.at === "calling" ? call.progress.initiation.localIndex : 0,
            endpoints: discovery.endpointsOf(call.target),
          }
        : [],
    ),
    places: discovery.places(),
  };
}
