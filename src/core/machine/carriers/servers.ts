import { LruMap } from "../../base/lru.ts";
import type { IpAddress } from "../../netip/address.ts";
import type { Session } from "../../peer/session.ts";
import type { Facts } from "../facts.ts";

/** Hosts that were looked for as relays lately; those of the configuration are beside them. */
const SOUGHT_MAX = 32;

/** Who may be reached over TCP: our lighthouses and relays, and the relays of those whom we look for. */
export class Servers {
  readonly #facts: Facts;
  readonly #sought = new LruMap<IpAddress, true>(SOUGHT_MAX);

  constructor(facts: Facts) {
    this.#facts = facts;
  }

  sought(relay: IpAddress): void {
    this.#sought.set(relay, true);
  }

  has(address: IpAddress): boolean {
    const { relay } = this.#facts.settings.live;
    return this.#facts.isLighthouse(address) || relay.relays.includes(address) || this.#sought.has(address);
  }

  all(): readonly IpAddress[] {
    const { lighthouse, relay } = this.#facts.settings.live;
    const sought = [...this.#sought.entries()].map(([address]) => address);
    const all = new Set([...lighthouse.hosts, ...relay.relays, ...sought]);
    return [...all].filter((host) => !this.#facts.ownAddresses.includes(host));
  }

  /** The address by which the peer of this session is one of them. */
  of({ addresses }: Session): IpAddress | undefined {
    return addresses.find((address) => this.has(address));
  }
}
