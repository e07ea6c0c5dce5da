import { type IpAddress, parseAddress } from "../../../src/core/netip/address.ts";
import { underlayAddress } from "../cast/cast.ts";
import type { NatBehaviour } from "../nat/behaviour.ts";
import { NatBox } from "../nat/nat-box.ts";
import type { Random } from "../world/random.ts";
import { canBecomeDirect, mayFindEachOther } from "./can-become-direct.ts";
import { Ipv6 } from "./ipv6.ts";
import { Link, type LinkPlan } from "./link.ts";
import type { Network } from "./network.ts";
import { Realm, type Router, reboot, type Spot, type Spots } from "./realm.ts";

/** An underlay as data: which sites there are, behind what, and who lives where. */
export interface Topology {
  readonly sites: readonly Site[];
  readonly residents: readonly Resident[];
}

/** A realm behind a NAT: a home, an office, a carrier. */
export interface Site {
  readonly name: string;
  /** The site around it; undefined: the internet. A site stands after the one around it. */
  readonly within: string | undefined;
  readonly nat: NatBehaviour;
  /** First three numbers of the addresses inside. Two sites may use the same. */
  readonly prefix: string;
  readonly uplink: LinkPlan;
  /** How it lets IPv6 in, translating nothing; undefined: it has none. */
  readonly guard?: NatBehaviour;
}

export interface Resident {
  readonly name: string;
  readonly number: number;
  /** Undefined: on the internet. */
  readonly site: string | undefined;
  readonly link: LinkPlan;
  /** Whether its system speaks IPv6 where the network does. */
  readonly ipv6?: boolean;
}

/** How a box is made of what the topology says it is. */
export type BoxMaker = (behaviour: NatBehaviour, address: IpAddress, random: Random) => NatBox;

export type Prospect = "direct" | "apart" | "uncertain";

/** A topology on a network. Knows where everybody is now. */
export class Underlay {
  readonly topology: Topology;
  readonly routers: ReadonlyMap<string, Router>;
  readonly links: readonly Link[];
  readonly #network: Network;
  readonly #ipv6: Ipv6;
  readonly #links = new Map<string, Link>();
  readonly #siteOf = new Map<string, string | undefined>();
  #addresses = 0;
  readonly #moves = new Map<string, number>();

  constructor(topology: Topology, network: Network, random: Random, makeBox: BoxMaker = honestBox) {
    this.topology = topology;
    this.#network = network;
    const routers = new Map<string, Router>();
    this.routers = routers;
    for (const { name, within, nat, uplink } of topology.sites) {
      const outside = within === undefined ? network.internet : routers.get(within)?.inside;
      if (!outside) throw new RangeError(`${name} stands before the site around it`);
      const box = makeBox(nat, this.#outsideAddress(within), random);
      const { router } = new Realm(name, { box, outside, link: new Link(uplink) });
      if (router) routers.set(name, router);
    }
    for (const { name, site, link } of topology.residents) {
      this.#links.set(name, new Link(link));
      this.#siteOf.set(name, site);
    }
    this.#ipv6 = new Ipv6(topology, network.internet, random);
    const uplinks = [...routers.values()].map(({ link }) => link);
    this.links = [...this.#links.values(), ...this.#ipv6.links.values(), ...uplinks];
  }

  /** Where a resident is now; undefined: on the internet. */
  siteOf(name: string): string | undefined {
    return this.#siteOf.get(name);
  }

  linkOf(name: string): Link {
    const link = this.#links.get(name);
    if (!link) throw new RangeError(`${name} lives nowhere`);
    return link;
  }

  /** Where a resident begins: in IPv4, and in IPv6 if it can. */
  spotsOf(name: string): Spots {
    const resident = this.topology.residents.find((other) => other.name === name);
    if (!resident) throw new RangeError(`${name} lives nowhere`);
    return this.#spots(resident, resident.site, 0);
  }

  /** Other addresses for a resident, in this site. */
  move(resident: Pick<Resident, "name" | "number">, site: string | undefined): Spots {
    this.#siteOf.set(resident.name, site);
    return this.#spots(resident, site, this.#anotherTime(resident));
  }

  /** Another IPv6 address for a resident where it is: `inIpv4` stays. */
  renumber(resident: Pick<Resident, "name" | "number">, inIpv4: Spot): Spots {
    const site = this.siteOf(resident.name);
    const inIpv6 = this.#ipv6Spot(resident, site, this.#anotherTime(resident));
    return inIpv6 ? [inIpv4, inIpv6] : [inIpv4];
  }

  /**
   * What the predicate says of these two where they are now. Nobody is promised anything behind a table that is too small, and of two that may find
   * each other by a port that can be foreseen nothing is said, unless `hasRelays`: then they are owed the way through one all the same.
   */
  prospectOf(a: string, b: string, { hasRelays }: { readonly hasRelays: boolean }): Prospect | "relayed" {
    const [left, right] = [a, b].map((name) => ({ name, site: this.siteOf(name) }));
    if (!left || !right || this.#isCrowded(left.site) || this.#isCrowded(right.site)) return "uncertain";
    if (this.meetInIpv6(a, b) || canBecomeDirect(this.topology.sites, left, right)) return "direct";
    if (hasRelays) return "relayed";
    return mayFindEachOther(this.topology.sites, left, right) ? "uncertain" : "apart";
  }

  /** Whether both have an IPv6 address now: then each knows where to send, and routers let in what is answered. */
  meetInIpv6(a: string, b: string): boolean {
    return [a, b].every((name) => this.#ipv6.reaches(name, this.siteOf(name)));
  }

  /** Power off and on; the provider may give another address. */
  reboot(site: string, options: { readonly newAddress: boolean }): void {
    const router = this.routers.get(site);
    const within = this.topology.sites.find(({ name }) => name === site)?.within;
    if (router) reboot(router, options.newAddress ? this.#outsideAddress(within) : router.box.address);
    for (const [name, where] of this.#siteOf) if (where === site) this.#ipv6.reboot(name);
  }

  #isCrowded(site: string | undefined): boolean {
    const found = this.topology.sites.find(({ name }) => name === site);
    return found !== undefined && (found.nat.tableSize < ROOMY || this.#isCrowded(found.within));
  }

  #spots(resident: Pick<Resident, "name" | "number">, site: string | undefined, moves: number): Spots {
    const inIpv6 = this.#ipv6Spot(resident, site, moves);
    const inIpv4 = this.#spot(resident.name, resident.number, site, moves);
    return inIpv6 ? [inIpv4, inIpv6] : [inIpv4];
  }

  #ipv6Spot(resident: Pick<Resident, "name" | "number">, site: string | undefined, moves: number): Spot | undefined {
    return this.#ipv6.spotOf(resident, site, moves, this.routers.get(site ?? "")?.link);
  }

  #anotherTime({ name }: Pick<Resident, "name">): number {
    const moves = (this.#moves.get(name) ?? 0) + 1;
    this.#moves.set(name, moves);
    return moves;
  }

  #spot(name: string, number: number, site: string | undefined, moves: number): Spot {
    const router = site === undefined ? undefined : this.routers.get(site);
    const link = this.linkOf(name);
    const realm = router?.inside ?? this.#network.internet;
    const prefix = this.topology.sites.find((other) => other.name === site)?.prefix;
    // Residents of a site have different numbers below 26, so that nobody moves into somebody else's address.
    const host = 2 + ((number + 26 * moves) % 182);
    const address = prefix === undefined ? underlayAddress(number, moves % 100) : addressOf(`${prefix}.${host}`);
    return { address, place: { realm, link } };
  }

  #outsideAddress(within: string | undefined): IpAddress {
    const number = ++this.#addresses;
    const prefix = this.topology.sites.find(({ name }) => name === within)?.prefix ?? `203.0.${114 + (number >> 8)}`;
    return addressOf(`${prefix}.${within === undefined ? number & 255 : 200 + (number % 50)}`);
  }
}

/** More mappings than the hosts of any world make, whatever they depend on. */
const ROOMY = 4_096;

function honestBox(behaviour: NatBehaviour, address: IpAddress, random: Random): NatBox {
  return new NatBox(behaviour, address, random);
}

function addressOf(text: string): IpAddress {
  const address = parseAddress(text);
  if (!address) throw new RangeError(`not an address: ${text}`);
  return address;
}
