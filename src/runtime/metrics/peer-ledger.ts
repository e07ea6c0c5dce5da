import type { PeerStatus, TrafficCounts } from "../../core/io.ts";
import type { IpAddress } from "../../core/netip/address.ts";

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
  #others: TrafficCounts = NOTHING;

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
    for (const [key, one] of this.#accounts) one.told = places.has(key) ? (one.told ?? NOTHING) : undefined;
    return named.map((status) => ({ status, traffic: account(status)?.told ?? NOTHING }));
  }

  #note(peer: PeerStatus, before: ReadonlyMap<IpAddress, Account>): void {
    const { traffic = NOTHING } = peer;
    const account = before.get(keyOf(peer)) ?? { seen: NOTHING, bytes: 0, told: undefined };
    const more = sum(traffic, account.seen, (now, then) => (now >= then ? now - then : now));
    account.seen = traffic;
    account.bytes += more.sentBytes + more.receivedBytes;
    if (account.told) account.told = sum(account.told, more, plus);
    else this.#others = sum(this.#others, more, plus);
    this.#accounts.set(keyOf(peer), account);
  }
}

/** Two peers have no address in common. */
function keyOf({ addresses }: PeerStatus): IpAddress {
  return addresses[0] ?? ("" as IpAddress);
}

const NOTHING: TrafficCounts = { sentPackets: 0, sentBytes: 0, receivedPackets: 0, receivedBytes: 0 };

function plus(a: number, b: number): number {
  return a + b;
}

function sum(a: TrafficCounts, b: TrafficCounts, by: (a: number, b: number) => number): TrafficCounts {
  return {
    sentPackets: by(a.sentPackets, b.sentPackets),
    sentBytes: by(a.sentBytes, b.sentBytes),
    receivedPackets: by(a.receivedPackets, b.receivedPackets),
    receivedBytes: by(a.receivedBytes, b.receivedBytes),
  };
}
