import type { Instant } from "../base/time.ts";
import type { LocalIndex } from "../dataplane/contract.ts";
import type { IpAddress } from "../netip/address.ts";
import { nameAddress, type Tunnel } from "./tunnel.ts";

/** Sessions with one peer that have proven themselves. Beyond this the oldest goes (protocol 3.8). */
export const SESSIONS_PER_PEER_MAX = 5;
/** The data plane's own limit: it would refuse one more. */
export const TUNNELS_MAX = 65_536;

/**
 * Every session, found by our index, by each overlay address of its peer, by the peer's index and by the message 1 it answered. Knows
 * which session sends for which address, as the data plane does.
 */
export class TunnelTable {
  readonly #byIndex = new Map<LocalIndex, Tunnel>();
  readonly #byAddress = new Map<IpAddress, Tunnel[]>();
  readonly #byRemoteIndex = new Map<number, Tunnel[]>();
  readonly #byMessage1 = new Map<string, Tunnel>();
  readonly #primaries = new Map<IpAddress, Tunnel>();

  get size(): number {
    return this.#byIndex.size;
  }

  get(index: LocalIndex): Tunnel | undefined {
    return this.#byIndex.get(index);
  }

  all(): IterableIterator<Tunnel> {
    return this.#byIndex.values();
  }

  /** Sessions that reach this overlay address, newest first. */
  sessionsOf(address: IpAddress): readonly Tunnel[] {
    return this.#byAddress.get(address) ?? [];
  }

  /** The session that sends to this address. */
  primaryOf(address: IpAddress): Tunnel | undefined {
    return this.#primaries.get(address);
  }

  isPrimary(tunnel: Tunnel): boolean {
    return tunnel.addresses.some((address) => this.#primaries.get(address) === tunnel);
  }

  /** Sessions whose peer calls them by this index; peers choose for themselves, so there may be several (protocol 3.5). */
  byRemoteIndex(index: number): readonly Tunnel[] {
    return this.#byRemoteIndex.get(index) ?? [];
  }

  /** The session that answered exactly this message 1. */
  byMessage1(hash: string): Tunnel | undefined {
    return this.#byMessage1.get(hash);
  }

  add(tunnel: Tunnel): void {
    this.#byIndex.set(tunnel.localIndex, tunnel);
    for (const address of tunnel.addresses) listAdd(this.#byAddress, address, tunnel);
    listAdd(this.#byRemoteIndex, tunnel.remoteIndex, tunnel);
    if (tunnel.role.kind === "responder") this.#byMessage1.set(tunnel.role.message1Hash, tunnel);
  }

  remove(tunnel: Tunnel): void {
    this.#byIndex.delete(tunnel.localIndex);
    for (const address of tunnel.addresses) {
      listRemove(this.#byAddress, address, tunnel);
      if (this.#primaries.get(address) === tunnel) this.#primaries.delete(address);
    }
    listRemove(this.#byRemoteIndex, tunnel.remoteIndex, tunnel);
    if (tunnel.role.kind === "responder" && this.#byMessage1.get(tunnel.role.message1Hash) === tunnel)
      this.#byMessage1.delete(tunnel.role.message1Hash);
  }

  /** This session sends from now on for all addresses of its peer. */
  makePrimary(tunnel: Tunnel, now: Instant): void {
    const replaced = new Set<Tunnel>();
    for (const address of tunnel.addresses) {
      const before = this.#primaries.get(address);
      if (before && before !== tunnel) replaced.add(before);
      this.#primaries.set(address, tunnel);
    }
    tunnel.secondarySince = undefined;
    for (const before of replaced) if (!this.isPrimary(before)) before.secondarySince = now;
  }

  /** The session that should send for an address that has lost its own: the live one heard from last. */
  successorFor(address: IpAddress): Tunnel | undefined {
    const live = this.sessionsOf(address).filter(({ state }) => state.at === "live");
    return live.reduce<Tunnel | undefined>(
      (best, candidate) =>
        best === undefined || (candidate.lastReceivedAt ?? 0) > (best.lastReceivedAt ?? 0) ? candidate : best,
      undefined,
    );
  }

  /** Sessions of this peer that are too many: the oldest live ones beyond the limit, never one that sends. */
  surplusOf(tunnel: Tunnel): readonly Tunnel[] {
    const live = this.sessionsOf(nameAddress(tunnel)).filter(({ state }) => state.at === "live");
    return live.slice(SESSIONS_PER_PEER_MAX).filter((session) => session !== tunnel && !this.isPrimary(session));
  }

  /** One session for each peer that is up: the one that sends to the peer's first address, else to any of them. */
  *peers(): IterableIterator<Tunnel> {
    for (const tunnel of this.#byIndex.values()) {
      const first = tunnel.addresses.find((address) => this.#primaries.has(address));
      if (first !== undefined && this.#primaries.get(first) === tunnel) yield tunnel;
    }
  }
}

function listAdd<Key>(map: Map<Key, Tunnel[]>, key: Key, tunnel: Tunnel): void {
  const list = map.get(key);
  if (list) list.unshift(tunnel);
  else map.set(key, [tunnel]);
}

function listRemove<Key>(map: Map<Key, Tunnel[]>, key: Key, tunnel: Tunnel): void {
  const list = map.get(key);
  const at = list?.indexOf(tunnel) ?? -1;
  if (!list || at < 0) return;
  list.splice(at, 1);
  if (list.length === 0) map.delete(key);
}
