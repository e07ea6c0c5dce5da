import type { LocalIndex, Relay } from "../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../src/core/netip/address.ts";
import type { Endpoint } from "../../src/core/netip/endpoint.ts";
import { directPath, type RelayedPath } from "../../src/core/path/path.ts";
import type { Driver } from "./data-planes.ts";
import { FarEnd, OWN_4, PEER_4 } from "./host.ts";
import { udpPacket } from "./inner-packets.ts";

export const RELAY_4 = "10.77.0.8" as IpAddress;
export const THIRD_4 = "10.77.0.3" as IpAddress;
/** Underlay endpoints of the relay, and of a second peer of ours. */
export const RELAY = "192.0.2.8:4242" as Endpoint;
export const THIRD = "192.0.2.3:4242" as Endpoint;
/** Our index of a hop, and the index by which the host on the other side of it knows it. */
export const OURS = 0x5000_0001;
export const THEIRS = 0x6000_0001;

export const toUs = udpPacket({ from: PEER_4, to: OWN_4, fromPort: 9, toPort: 53 });
export const toPeer = udpPacket({ from: OWN_4, to: PEER_4, fromPort: 53, toPort: 9 });
export const relayed: RelayedPath = { kind: "relayed", session: 8 as LocalIndex, relayIndex: THEIRS };

export const setRelay = (change: Partial<Relay> = {}) => ({
  kind: "set-relay" as const,
  relayIndex: OURS,
  session: 8 as LocalIndex,
  remoteIndex: THEIRS,
  role: { kind: "terminal", peer: PEER_4 } as const,
  ...change,
});

/** A session with a relay, and one behind it with the peer. */
export async function behindRelay(open: () => Promise<Driver>, cipher: "aes" | "chachapoly" = "aes") {
  const plane = await open();
  const relay = new FarEnd(8, cipher);
  await plane.command(relay.installation({ peerAddresses: [RELAY_4], path: directPath(RELAY) }));
  const peer = new FarEnd(1, cipher);
  await plane.command(peer.installation({ path: relayed }));
  await plane.command(setRelay());
  return { plane, relay, peer };
}

/** A host that relays between a first peer (session 1) and a third (session 3). */
export async function asRelay(open: () => Promise<Driver>) {
  const plane = await open();
  const [first, third] = [new FarEnd(1, "aes"), new FarEnd(3, "chachapoly")];
  await plane.command(first.installation());
  await plane.command(third.installation({ peerAddresses: [THIRD_4], path: directPath(THIRD) }));
  const forward = { kind: "forward", session: third.localIndex, relayIndex: THEIRS } as const;
  await plane.command(setRelay({ session: first.localIndex, role: forward }));
  return { plane, first, third };
}
