import { equalBytes } from "../base/bytes.ts";
import type { Instant } from "../base/time.ts";
import type { Twins } from "../io.ts";
import { endpointAddress } from "../netip/endpoint.ts";
import { endpointOf } from "../path/path.ts";
import type { Peers } from "../peer/peer.ts";
import { placeOf } from "../peer/place.ts";
import { nameAddress, type Session } from "../peer/session.ts";
import { heardAt } from "../peer/vitals.ts";

/** A host sends on its newest session: what it says on the one before for so long after is no straggler. */
const OVERTAKEN_MS = 5_000;
/** One that has not been heard for longer may be gone. */
const HEARD_WITHIN_MS = 30_000;
/** In one report. */
const TWINS_MAX = 16;

/**
 * Addresses that more than one host uses: one goes on speaking on its session long after another has made a newer one. Whether both have the same
 * certificate, or two with the same address, is what their keys say.
 */
export function twinsOf(peers: Peers, now: Instant): readonly Twins[] {
  const found: Twins[] = [];
  for (const address of peers.sharedAddresses()) {
    const primary = peers.primaryOf(address);
    if (!primary || nameAddress(primary) !== address || found.length >= TWINS_MAX) continue;
    const pair = pairAmong(peers.sessionsOf(address), ({ vitals }) => heardAt(vitals), now);
    if (!pair) continue;
    found.push({
      address,
      share: haveOneKey(...pair) ? "certificate" : "address",
      hosts: pair.map((session) => ({
        name: session.peer.name,
        place: session.path && placeOf(session.path, peers),
      })),
    });
  }
  return found;
}

/** Two sessions of which the older one was heard after the newer one was made, and both lately. */
function pairAmong(
  sessions: readonly Session[],
  heardAt: (session: Session) => Instant | undefined,
  now: Instant,
): readonly [Session, Session] | undefined {
  const heard = sessions.flatMap((session) => {
    const at = heardAt(session);
    return at !== undefined && session.state.at === "live" && now - at < HEARD_WITHIN_MS ? { session, at } : [];
  });
  for (const older of heard)
    for (const { session: newer } of heard)
      if (older.at > newer.state.since + OVERTAKEN_MS && newer.state.since > older.session.state.since)
        if (!haveOneKey(older.session, newer) || areApart(older.session, newer)) return [older.session, newer];
  return undefined;
}

function haveOneKey(a: Session, b: Session): boolean {
  return equalBytes(a.peer.publicKey, b.peer.publicKey);
}

/** One host has several ports, after a translator at least, and no two addresses for as long. */
function areApart(a: Session, b: Session): boolean {
  const [one, other] = [a, b].map(({ path }) => endpointOf(path));
  return one !== undefined && other !== undefined && endpointAddress(one) !== endpointAddress(other);
}
