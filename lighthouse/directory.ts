import { LruMap } from "../src/core/base/lru.ts";
import type { Certificate } from "../src/core/cert/certificate.ts";
import { Underlay } from "../src/core/discovery/underlay.ts";
import { familyOf, type IpAddress } from "../src/core/netip/address.ts";
import { type Endpoint, endpointAddress } from "../src/core/netip/endpoint.ts";
import { type EndpointList, endpointList, listedEndpoints, NO_ENDPOINTS } from "../src/core/netip/endpoint-list.ts";
import type { Prefix } from "../src/core/netip/prefix.ts";
import type { NatReport } from "../src/core/wire/nat-report.ts";

/** What a lighthouse knows about one host. */
export interface KnownHost {
  /** All its overlay addresses; the first one names it. */
  readonly addresses: readonly IpAddress[];
  /** Undefined until it has spoken. */
  readonly certificate: Certificate | undefined;
  /** Where its authenticated packets come from, by family. */
  readonly learnedV4: Endpoint | undefined;
  readonly learnedV6: Endpoint | undefined;
  /** What it last said about itself, in its own order. */
  readonly reported: EndpointList;
  readonly relays: readonly IpAddress[];
  /** What it last said about its translator. */
  readonly nat?: NatReport | undefined;
}

/** What a host says about itself, and its certificate about it. */
interface OwnWord extends Pick<KnownHost, "addresses" | "certificate" | "relays" | "nat"> {
  readonly endpoints: readonly Endpoint[];
}

/** Hosts a lighthouse remembers; the one not asked about or heard from for longest goes. About 1 kB each. */
export const HOSTS_MAX = 100_000;

const NONE: readonly never[] = [];

/** Where hosts are, in their own words and by their own packets; never from a static map (protocol 5.6, 5.7). */
export class Directory {
  readonly #hosts = new LruMap<IpAddress, KnownHost>(HOSTS_MAX);
  /** Every overlay address of a known host that does not name it -> the one that does. Most hosts have none. */
  readonly #names = new Map<IpAddress, IpAddress>();
  readonly #underlay: Underlay;

  /** `overlay`: underlay addresses inside these are not believed; they would lead into the mesh itself. */
  constructor(overlay: readonly Prefix[]) {
    this.#underlay = new Underlay(overlay);
  }

  get size(): number {
    return this.#hosts.size;
  }

  /** Whether one machine may be there. */
  isPlausible(at: Endpoint): boolean {
    return this.#underlay.isPlausible(at);
  }

  /** The host that has this overlay address. */
  find(address: IpAddress): KnownHost | undefined {
    return this.#hosts.get(this.#names.get(address) ?? address);
  }

  /** The host's own report, in place of its last one: nobody is sent to where no single machine can be. */
  report(host: OwnWord): void {
    const { addresses, certificate, relays, nat } = host;
    const known = this.#known(addresses);
    this.#store({
      addresses,
      certificate,
      learnedV4: known?.learnedV4,
      learnedV6: known?.learnedV6,
      reported: endpointList(host.endpoints.filter((endpoint) => this.#underlay.isPlausible(endpoint))),
      relays: relays.length === 0 ? NONE : relays,
      nat,
    });
  }

  /** An authenticated packet of the host came from here. */
  learned(addresses: readonly IpAddress[], at: Endpoint): void {
    if (!this.#underlay.isUsable(at)) return;
    const known = this.#known(addresses);
    const isV4 = familyOf(endpointAddress(at)) === 4;
    this.#store({
      addresses,
      certificate: known?.certificate,
      learnedV4: isV4 ? at : known?.learnedV4,
      learnedV6: isV4 ? known?.learnedV6 : at,
      reported: known?.reported ?? NO_ENDPOINTS,
      relays: known?.relays ?? NONE,
      nat: known?.nat,
    });
  }

  forget(addresses: readonly IpAddress[]): void {
    const [name] = addresses;
    const known = name === undefined ? undefined : this.#hosts.get(name);
    if (known) this.#remove(known);
  }

  #known(addresses: readonly IpAddress[]): KnownHost | undefined {
    const [name] = addresses;
    return name === undefined ? undefined : this.#hosts.get(name);
  }

  #store(host: KnownHost): void {
    const [name] = host.addresses;
    if (name === undefined) return;
    const before = this.#hosts.peek(name);
    if (before && before.addresses !== host.addresses) this.#unname(before);
    const evicted = before ? undefined : this.#oldestWhenFull();
    if (evicted) this.#remove(evicted);
    this.#hosts.set(name, host);
    if (before?.addresses === host.addresses) return;
    for (const address of host.addresses) {
      if (address === name) this.#names.delete(address);
      else this.#names.set(address, name);
    }
  }

  #oldestWhenFull(): KnownHost | undefined {
    return this.#hosts.size < HOSTS_MAX ? undefined : this.#hosts.entries().next().value?.[1];
  }

  #remove(host: KnownHost): void {
    this.#unname(host);
    const [name] = host.addresses;
    if (name !== undefined) this.#hosts.delete(name);
  }

  #unname(host: KnownHost): void {
    const [name] = host.addresses;
    for (const address of host.addresses) if (this.#names.get(address) === name) this.#names.delete(address);
  }
}

/** What the host says about its translator, with the address at which this lighthouse sees it: nobody is taken there by the host's word. */
export function natOf({ nat, learnedV4 }: KnownHost): NatReport | undefined {
  return nat && { ...nat, learned: learnedV4 && endpointAddress(learnedV4) };
}

/** Where its packets come from. */
export function learnedBy({ learnedV4, learnedV6 }: KnownHost): readonly Endpoint[] {
  const known = learnedV4 === undefined ? [] : [learnedV4];
  if (learnedV6 !== undefined) known.push(learnedV6);
  return known;
}

/** Everything worth trying: learned addresses first, because receivers look at the first ten of each family only. */
export function endpointsOf(host: KnownHost): readonly Endpoint[] {
  return learnedBy(host).concat(listedEndpoints(host.reported));
}
