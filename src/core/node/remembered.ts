import type { RememberedHost } from "../io.ts";
import type { Facts } from "../machine/facts.ts";
import type { IpAddress } from "../netip/address.ts";
import { isCarried } from "../path/carried.ts";
import { endpointOf } from "../path/path.ts";
import type { Peers } from "../peer/peer.ts";
import type { Session } from "../peer/session.ts";
import type { Machines } from "./machines.ts";

/** Hosts that are worth knowing at the next start. */
export const REMEMBERED_MAX = 1024;
/** Places and relays of one of them. */
export const REMEMBERED_PLACES_MAX = 3;
/** Overlay addresses of one of them. */
export const REMEMBERED_ADDRESSES_MAX = 8;
/** Whoever was silent for longer is called when somebody has something to say. */
const IN_USE_MS = 60_000;

/** Those with a tunnel first, the last used one before all, then others whose places have been proved. */
export function rememberedHosts(facts: Facts, peers: Peers, machines: Machines): readonly RememberedHost[] {
  const usedAt = (session: Session): number => {
    const { lastSentAt, lastReceivedAt } = session.vitals;
    return Math.max(lastSentAt, lastReceivedAt, session.state.since);
  };
  const { discovery } = machines;
  const { met } = discovery;
  const remembered: RememberedHost[] = [];
  const seen = new Set<IpAddress>();
  // Thousands of hosts are looked at every few seconds: of those that there is no room for nothing is made.
  const isFull = (): boolean => remembered.length >= REMEMBERED_MAX;
  const add = (addresses: readonly IpAddress[], inUse: boolean, path?: ReturnType<typeof endpointOf>): void => {
    const [name] = addresses;
    if (name === undefined || seen.has(name)) return;
    for (const address of addresses) seen.add(address);
    const places = [...(path === undefined || isCarried(path) ? [] : [path]), ...met.learnedOf(name)];
    const endpoints = [...new Set(places)].slice(0, REMEMBERED_PLACES_MAX);
    const relays = discovery.relaysOf(name).slice(0, REMEMBERED_PLACES_MAX);
    if (endpoints.length + relays.length > 0)
      remembered.push({ addresses: addresses.slice(0, REMEMBERED_ADDRESSES_MAX), endpoints, relays, inUse });
  };
  const sessions = [...peers.primaries()].map((session) => ({ session, at: usedAt(session) }));
  for (const { session, at } of sessions.sort((a, b) => b.at - a.at)) {
    if (isFull()) return remembered;
    add(session.addresses, facts.now - at < IN_USE_MS, endpointOf(session.provenPath));
  }
  for (const host of [...met.hostsMet()].reverse()) {
    if (isFull()) return remembered;
    add([host], false);
  }
  return remembered;
}
