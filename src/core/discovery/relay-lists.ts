import { LruMap } from "../base/lru.ts";
import type { IpAddress } from "../netip/address.ts";

/** Hosts whose relays are remembered; the one not asked about for longest goes. */
const HOSTS_MAX = 65_536;
/** Who may speak about one host: as many lighthouses as anybody runs, and the host itself. */
const OWNERS_MAX = 16;
/** Relays in one list: what a lighthouse message carries (protocol 5.3). */
const RELAYS_PER_LIST_MAX = 10;
/** Relays that one host is looked for through. */
const RELAYS_PER_HOST_MAX = 16;

/** Through whom hosts say that they can be reached, by whose word; each word replaces only its own (protocol 5.7). */
export class RelayLists {
  readonly #hosts = new LruMap<IpAddress, Map<IpAddress, readonly IpAddress[]>>(HOSTS_MAX);

  /** An owner's list for a host, in place of its last one. */
  report(host: IpAddress, owner: IpAddress, relays: readonly IpAddress[]): void {
    const said = this.#hosts.get(host) ?? new Map<IpAddress, readonly IpAddress[]>();
    said.delete(owner);
    if (relays.length > 0) {
      if (said.size >= OWNERS_MAX) said.delete(said.keys().next().value ?? owner);
      said.set(owner, relays.slice(0, RELAYS_PER_LIST_MAX));
    }
    if (said.size > 0) this.#hosts.set(host, said);
    else this.#hosts.delete(host);
  }

  /** All of them, the first of each list before the second of any: a long list pushes out nobody else's best. */
  relaysOf(host: IpAddress): readonly IpAddress[] {
    const said = this.#hosts.get(host);
    if (!said) return NONE;
    const lists = [...said.values()];
    const ranks = Array.from({ length: RELAYS_PER_LIST_MAX }, (_, rank) => lists.flatMap((list) => list[rank] ?? []));
    return [...new Set(ranks.flat())].slice(0, RELAYS_PER_HOST_MAX);
  }
}

const NONE: readonly IpAddress[] = [];
