import type { PeerStatus } from "../../core/io.ts";
import type { IpAddress } from "../../core/netip/address.ts";
import { added, combined, NO_TRAFFIC, type TrafficCounts } from "../../core/peer/traffic-counts.ts";

/** Peers with metrics of their own. A database of metrics keeps a series for each combination of labels. */
export const PEERS_TOLD_MAX = 500;
/** Whoever is told about keeps that place against others that carry up to so many times as much: series that come and go tell nothing. */
const STAYS = 2;

/** A peer that has metrics of its own. */
export interface ToldPeer {
  readonly status: PeerStatus;
  /** Since it was first told about: these only rise. */
  readonly traffic: TrafficCounts;
}

interface Account {
  /** What the peer's own counters said last; they begin anew with its first session after a pause. */
  seen: TrafficCounts;
  /** Bytes since it was first seen. */
  bytes: number;
  /** Present while it is told about. */
  told: TrafficCounts | undefined;
}

/** Chooses whom metrics name, and sums up what went to and from peers that had no name there at the time, so that no sum ever falls. */
export class PeerLedger {
  readonly #max: number;
  /** Of those that there are. */
  #accounts = new Map<IpAddress, Account>();
  #others: TrafficCounts = NO_TRAFFIC;

  constructor(max: number = PEERS_TOLD_MAX) {
    this.#max = max;
  }

  /** What went to and from peers while they had no metrics of their own. */
  get others(): TrafficCounts {
    return this.#others;
  }

  /** The peers there are now; returns those that are named, who carried most first. */
  look(peers: readonly PeerStatus[]): readonly ToldPeer[] {
    const known = peers.filter(({ name }) => name !== undefined);
    const before = this.#accounts;
    this.#accounts = new Map();
    for (const peer of known) this.#note(peer, before);
    const account = (peer: PeerStatus): Account | undefined => this.#accounts.get(keyOf(peer));
    const weight = (peer: PeerStatus): number => {
      const { bytes = 0, told } = account(peer) ?? {};
      return told ? bytes * STAYS + 1 : bytes;
    };
    const named = known.toSorted((a, b) => weight(b) - weight(a)).slice(0, this.#max);
    const places = new Set(named.map(keyOf));
    for (const [key, one] of this.#accounts) one.told = places.has(key) ? (one.told ?? NO_TRAFFIC) : undefined;
    return named.map((status) => ({ status, traffic: account(status)?.told ?? NO_TRAFFIC }));
  }

  #note(peer: PeerStatus, before: ReadonlyMap<IpAddress, Account>): void {
    const { traffic = NO_TRAFFIC } = peer;
    const account = before.get(keyOf(peer)) ?? { seen: NO_TRAFFIC, bytes: 0, told: undefined };
    const more = combined(traffic, account.seen, (now, then) => (now >= then ? now - then : now));
    account.seen = traffic;
    account.bytes += more.sentBytes + more.receivedBytes;
    if (account.told) account.told = added(account.told, more);
    else this.#others = added(this.#others, more);
    this.#accounts.set(keyOf(peer), account);
  }
}

/** Two peers have no address in common. */
function keyOf({ addresses }: PeerStatus): IpAddress {
  return addresses[0] ?? ("" as IpAddress);
}
