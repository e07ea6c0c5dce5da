import type { RememberedHost } from "../io.ts";
import type { Facts } from "../machine/facts.ts";
import type { IpAddress } from "../netip/address.ts";
import { isCarried } from "../path/carried.ts";
import { endpointOf } from "../path/path.ts";
import type { Peers } from "../peer/peer.ts";
import { nameAddress, type Session } from "../peer/session.ts";
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
    const { lastSentAt, lastReceivedAt } = machines.liveness.vitalsOf(session);
    return Math.max(lastSentAt, lastReceivedAt, session.state.since);
  };
  const places = new Map(machines.discovery.places().map(({ host, learned }) => [host, learned]));
  const remembered = new Map<IpAddress, RememberedHost>();
  const add = (addresses: readonly IpAddress[], inUse: boolean, path?: ReturnType<typeof endpointOf>): void => {
    const [name] = addresses;
    if (name === undefined || remembered.size >= REMEMBERED_MAX) return;
    const known = new Set([...(path === undefined || isCarried(path) ? [] : [path]), ...(places.get(name) ?? [])]);
    const endpoints = [...known].slice(0, REMEMBERED_PLACES_MAX);
    const relays = machines.discovery.relaysOf(name).slice(0, REMEMBERED_PLACES_MAX);
    if (endpoints.length + relays.length > 0)
      remembered.set(name, { addresses: addresses.slice(0, REMEMBERED_ADDRESSES_MAX), endpoints, relays, inUse });
    for (const address of addresses) places.delete(address);
  };
  const sessions = [...peers.primaries()].map((session) => ({ session, at: usedAt(session) }));
  for (const { session, at } of sessions.sort((a, b) => b.at - a.at))
    add(
      [nameAddress(session), ...session.addresses.filter((address) => address !== nameAddress(session))],
      facts.now - at < IN_USE_MS,
      endpointOf(session.provenPath),
    );
  for (const [host, learned] of [...places].reverse()) if (learned.length > 0) add([host], false);
  return [...remembered.values()];
}
