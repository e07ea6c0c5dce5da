import { underlayIpv6Address } from "../cast/cast.ts";
import type { NatBehaviour } from "../nat/behaviour.ts";
import { NatBox } from "../nat/nat-box.ts";
import type { Random } from "../world/random.ts";
import { Link } from "./link.ts";
import { Realm, type Router, reboot, type Spot } from "./realm.ts";
import type { Resident, Site, Topology } from "./topology.ts";

/**
 * The IPv6 side of an underlay. A host that speaks it has an address of its own wherever the network does, and nobody translates that. Before it stands
 * what the site's router lets in: a translator with one host behind it, which keeps address and port.
 */
export class Ipv6 {
  /** One for each host that speaks it, beside that of IPv4: either family may fail alone. */
  readonly links: ReadonlyMap<string, Link>;
  readonly #sites: readonly Site[];
  readonly #internet: Realm;
  readonly #random: Random;
  readonly #guards = new Map<string, Router>();

  constructor({ sites, residents }: Topology, internet: Realm, random: Random) {
    this.#sites = sites;
    this.#internet = internet;
    this.#random = random;
    this.links = new Map(residents.flatMap(({ name, link, ipv6 }) => (ipv6 ? [[name, new Link(link)] as const] : [])));
  }

  /** Whether a host has an address here; undefined: on the internet, where everybody can have one. */
  reaches(name: string, site: string | undefined): boolean {
    return this.links.has(name) && (site === undefined || this.#guardOf(site) !== undefined);
  }

  /** Where a host is here after so many moves. `uplink`: what its site hangs on. */
  spotOf(
    { name, number }: Pick<Resident, "name" | "number">,
    site: string | undefined,
    moves: number,
    uplink: Link | undefined,
  ): Spot | undefined {
    const link = this.links.get(name);
    if (!link || !this.reaches(name, site)) return undefined;
    const address = underlayIpv6Address(number, this.#sites.findIndex((other) => other.name === site) + 1, moves);
    const guard = site === undefined ? undefined : this.#guardOf(site);
    if (!guard) return { address, place: { realm: this.#internet, link } };
    const box = new NatBox(guard, address, this.#random);
    const realm = new Realm(`${site} for ${name}`, { box, outside: this.#internet, link: uplink ?? new Link() });
    if (realm.router) this.#guards.set(name, realm.router);
    return { address, place: { realm, link } };
  }

  /** The router that stands before this host forgets whom it lets in. */
  reboot(name: string): void {
    const guard = this.#guards.get(name);
    if (guard) reboot(guard);
  }

  #guardOf(site: string): NatBehaviour | undefined {
    return this.#sites.find(({ name }) => name === site)?.guard;
  }
}
