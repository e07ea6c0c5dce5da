import { LruMap } from "../../../src/core/base/lru.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { type Endpoint, endpoint, endpointAddress, endpointPort } from "../../../src/core/netip/endpoint.ts";
import type { Random } from "../world/random.ts";
import { type Dependence, type NatBehaviour, seenAs } from "./behaviour.ts";

/** One port outside, who it belongs to, and who may send to it. */
interface Mapping {
  readonly key: string;
  readonly internal: Endpoint;
  readonly external: Endpoint;
  refreshedAt: number;
  lifetimeMs: number;
  /** What was sent to, as the filter tells it apart, and when it was last refreshed. */
  readonly permitted: Map<string, number>;
}

/**
 * A NAT between a realm inside and one outside, with one address there. Pure: told which datagram passes when, it says how it is rewritten, or
 * that it is not let through.
 */
export class NatBox {
  readonly behaviour: NatBehaviour;
  readonly #random: Random;
  #address: IpAddress;
  /** Refreshed longest ago first. */
  readonly #byKey = new Map<string, Mapping>();
  readonly #byExternal = new Map<Endpoint, Mapping>();
  /** What strangers have left behind: a port outside and a remote endpoint, and when something last came. */
  readonly #strays = new LruMap<string, number>(STRAYS_MAX);
  #lastPort: number;

  constructor(behaviour: NatBehaviour, address: IpAddress, random: Random) {
    this.behaviour = behaviour;
    this.#address = address;
    this.#random = random;
    this.#lastPort = random.between(PORT_FIRST, PORT_LAST);
  }

  get address(): IpAddress {
    return this.#address;
  }

  get mappings(): number {
    return this.#byKey.size;
  }

  /** A datagram from inside: the source that it has outside. */
  outbound(internal: Endpoint, remote: Endpoint, now: number): Endpoint {
    const { mapping, filtering } = this.behaviour;
    const key = `${internal} ${part(mapping, remote)}`;
    const usual = this.#living(key, now) ?? this.#create(key, internal, now);
    const instead = this.behaviour.guarded ? undefined : this.#instead(usual, remote, now);
    this.#refresh(instead ?? usual, instead ? remote : part(filtering, remote), now);
    return (instead ?? usual).external;
  }

  /** A datagram from outside: whom it goes to inside; undefined when it is not let in. */
  inbound(external: Endpoint, remote: Endpoint, now: number): Endpoint | undefined {
    const mapping = this.#byExternal.get(external);
    const sender = mapping && this.#permittedAs(mapping, remote, now);
    if (!mapping || sender === undefined || this.#isStray(external, remote, now)) {
      this.#remember(external, remote, now);
      return undefined;
    }
    mapping.lifetimeMs = this.behaviour.mappingLifetimeMs;
    if (this.behaviour.inboundRefresh) this.#refresh(mapping, sender, now);
    return mapping.internal;
  }

  /** A datagram from inside to a mapping of this very box: rewritten at both ends; undefined when it does not turn round. */
  hairpin(
    internal: Endpoint,
    external: Endpoint,
    now: number,
  ): { readonly source: Endpoint; readonly internal: Endpoint } | undefined {
    if (!this.behaviour.hairpinning) return undefined;
    const source = this.outbound(internal, external, now);
    const target = this.inbound(external, source, now);
    return target === undefined ? undefined : { source, internal: target };
  }

  /** Power off and on: every mapping is forgotten; the address may be another one afterwards. */
  reboot(address: IpAddress = this.#address): void {
    this.#byKey.clear();
    this.#byExternal.clear();
    this.#strays.clear();
    this.#address = address;
  }

  #living(key: string, now: number): Mapping | undefined {
    const known = this.#byKey.get(key);
    if (known && isUnused(known, now)) this.#remove(known);
    return this.#byKey.get(key);
  }

  /** Where a stranger's packet is in the way, this one remote endpoint sees another port, and nobody else is let in there. */
  #instead({ internal, external }: Mapping, remote: Endpoint, now: number): Mapping | undefined {
    const key = `${internal} instead ${remote}`;
    const known = this.#living(key, now);
    if (known || !this.#isStray(external, remote, now)) return known;
    return this.#create(key, internal, now, STRAY_LIFETIME_MS);
  }

  /** As what the filter knows this sender, if it lets it in. */
  #permittedAs(mapping: Mapping, remote: Endpoint, now: number): string | undefined {
    if (isUnused(mapping, now)) return undefined;
    return [remote, part(this.behaviour.filtering, remote)].find((sender) => {
      const at = mapping.permitted.get(sender);
      return at !== undefined && !this.#isOver(at, now);
    });
  }

  #isStray(external: Endpoint, remote: Endpoint, now: number): boolean {
    const at = this.#strays.peek(`${external} ${remote}`);
    return at !== undefined && now - at < STRAY_LIFETIME_MS;
  }

  #remember(external: Endpoint, remote: Endpoint, now: number): void {
    if (!this.behaviour.guarded) this.#strays.set(`${external} ${remote}`, now);
  }

  #create(
    key: string,
    internal: Endpoint,
    now: number,
    lifetimeMs: number = this.behaviour.mappingLifetimeMs,
  ): Mapping {
    if (this.#byKey.size >= this.behaviour.tableSize) this.#makeRoom();
    const external = endpoint(this.#address, this.#freePort(endpointPort(internal)));
    const mapping = { key, internal, external, refreshedAt: now, lifetimeMs, permitted: new Map<string, number>() };
    this.#byExternal.set(external, mapping);
    return mapping;
  }

  #refresh(mapping: Mapping, sender: string, now: number): void {
    mapping.refreshedAt = now;
    mapping.permitted.delete(sender);
    mapping.permitted.set(sender, now);
    if (mapping.permitted.size > PERMITTED_MAX) {
      const [oldest] = mapping.permitted.keys();
      if (oldest !== undefined) mapping.permitted.delete(oldest);
    }
    this.#byKey.delete(mapping.key);
    this.#byKey.set(mapping.key, mapping);
  }

  #makeRoom(): void {
    const [oldest] = this.#byKey.values();
    if (oldest) this.#remove(oldest);
  }

  #remove(mapping: Mapping): void {
    this.#byKey.delete(mapping.key);
    this.#byExternal.delete(mapping.external);
  }

  #freePort(internal: number): number {
    const { portAssignment } = this.behaviour;
    if (portAssignment === "random") return this.#from(this.#random.between(PORT_FIRST, PORT_LAST));
    if (portAssignment === "preservation") return this.#from(internal);
    if (portAssignment === "swapped") return this.#nextSwapped();
    this.#lastPort = this.#from(this.#lastPort + 1);
    return this.#lastPort;
  }

  /** Ports below the range are skipped, as if somebody had them. */
  #nextSwapped(): number {
    let port: number;
    do {
      this.#lastPort = (this.#lastPort + 1) & 0xffff;
      port = ((this.#lastPort & 0xff) << 8) | (this.#lastPort >> 8);
    } while (port < PORT_FIRST || this.#byExternal.has(endpoint(this.#address, port)));
    return port;
  }

  /** The first port from here on that nobody has. Tables are far smaller than the range of ports. */
  #from(wanted: number): number {
    let port = wanted;
    while (port > PORT_LAST || this.#byExternal.has(endpoint(this.#address, port))) {
      port = port >= PORT_LAST ? PORT_FIRST : port + 1;
    }
    return port;
  }

  #isOver(permittedAt: number, now: number): boolean {
    return now - permittedAt >= this.behaviour.mappingLifetimeMs;
  }
}

const PORT_FIRST = 1_024;
const PORT_LAST = 65_535;
/** As Linux keeps what nobody has answered: a stranger's packet, and the port that our own host got because of it. */
const STRAY_LIFETIME_MS = 30_000;
const STRAYS_MAX = 4_096;
/** Remotes that one mapping remembers: several times what guessing the ports of one translator calls (256). */
const PERMITTED_MAX = 1_024;

function isUnused({ refreshedAt, lifetimeMs }: Mapping, now: number): boolean {
  return now - refreshedAt >= lifetimeMs;
}

function part(dependence: Dependence, remote: Endpoint): string {
  if (dependence === "endpoint-independent") return "";
  return dependence === "address-dependent"
    ? seenAs(dependence, { address: endpointAddress(remote), port: "" })
    : remote;
}
