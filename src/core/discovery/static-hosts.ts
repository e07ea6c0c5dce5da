import { earliest, type Instant, later } from "../base/time.ts";
import type { HostPort } from "../config/settings.ts";
import { familyOf, type IpAddress } from "../netip/address.ts";
import { type Endpoint, endpoint } from "../netip/endpoint.ts";

/** The parts of the configuration that name underlay addresses. */
export interface StaticHostSettings {
  readonly staticHosts: ReadonlyMap<IpAddress, readonly HostPort[]>;
  readonly staticMap: { readonly cadenceMs: number; readonly network: "ip4" | "ip6" | "ip" };
  readonly advertise: readonly HostPort[];
  readonly lighthouse: { readonly hosts: readonly IpAddress[] };
}

/** Addresses kept of one name: as many as a lighthouse message would carry. */
const ADDRESSES_PER_NAME_MAX = 10;

/**
 * A name that has never resolved may appear any moment, with the network or with whoever enters it, and its host cannot be found until then. For a
 * while: one that is mistyped is asked for as long as this host runs.
 */
const UNRESOLVED_MS = 1_500;
const HOPEFUL_MS = 60_000;

/**
 * Underlay addresses that the configuration gives: literals at once, names as soon as and whenever they resolve. A name that does not
 * resolve keeps what it resolved to before (protocol 5.8).
 */
export class StaticHosts {
  #settings: StaticHostSettings;
  #names: readonly string[];
  readonly #resolved = new Map<string, readonly IpAddress[]>();
  #nextAt: Instant | undefined;
  #unresolvedAt: Instant | undefined;
  #hopefulUntil: Instant;

  constructor(settings: StaticHostSettings, now: Instant) {
    this.#settings = settings;
    this.#names = namesIn(settings);
    this.#nextAt = this.#names.length > 0 ? now : undefined;
    this.#hopefulUntil = later(now, HOPEFUL_MS);
  }

  /** This machine is somewhere else, where other names may resolve: those that have never done so are asked for soon again. */
  moved(now: Instant): void {
    this.#hopefulUntil = later(now, HOPEFUL_MS);
    if (this.#names.length > 0) this.#unresolvedAt ??= later(now, UNRESOLVED_MS);
  }

  /** New settings; answers for names that are still used are kept, as far as they are of a family that is still wanted. */
  replace(settings: StaticHostSettings, now: Instant): void {
    this.#settings = settings;
    this.#names = namesIn(settings);
    for (const [name, addresses] of [...this.#resolved]) {
      const kept = this.#names.includes(name) ? addresses.filter((address) => this.#isWanted(address)) : [];
      if (kept.length > 0) this.#resolved.set(name, kept);
      else this.#resolved.delete(name);
    }
    this.#nextAt = this.#names.length > 0 ? now : undefined;
    this.#hopefulUntil = later(now, HOPEFUL_MS);
  }

  hosts(): IterableIterator<IpAddress> {
    return this.#settings.staticHosts.keys();
  }

  has(host: IpAddress): boolean {
    return this.#settings.staticHosts.has(host);
  }

  /** Whether the host's entry holds a name that has never resolved. */
  awaitsName(host: IpAddress): boolean {
    return (this.#settings.staticHosts.get(host) ?? []).some(
      (entry) => entry.kind === "name" && !this.#resolved.has(entry.name),
    );
  }

  endpointsOf(host: IpAddress): readonly Endpoint[] {
    return (this.#settings.staticHosts.get(host) ?? []).flatMap((entry) => this.#endpointsOfEntry(entry));
  }

  /** `lighthouse.advertise_addrs`; a name contributes its first address, port 0 means `udpPort` (protocol 5.8). */
  advertised(udpPort: number): readonly Endpoint[] {
    return this.#settings.advertise.flatMap((entry) =>
      entry.kind === "literal"
        ? [withPort(entry.endpoint, udpPort)]
        : (this.#resolved.get(entry.name) ?? []).slice(0, 1).map((address) => endpoint(address, entry.port || udpPort)),
    );
  }

  /** What the configuration says about a host, as it is written there, with what names have resolved to. */
  written(host: IpAddress): readonly string[] {
    return (this.#settings.staticHosts.get(host) ?? []).map((entry) => {
      if (entry.kind === "literal") return entry.endpoint;
      const addresses = this.#resolved.get(entry.name);
      return `${entry.name}:${entry.port}${addresses ? ` (${addresses.join(", ")})` : ""}`;
    });
  }

  /** As they are written: what a name resolves to is somebody else's word, but for the name of this machine. */
  asWritten(): readonly Endpoint[] {
    const entries = [...this.#settings.staticHosts.values()].flat();
    return entries.flatMap((entry) =>
      entry.kind === "literal" || isThisMachine(entry.name) ? this.#endpointsOfEntry(entry) : [],
    );
  }

  /** An answer of the resolver; true when it is news. */
  resolved(name: string, addresses: readonly IpAddress[]): boolean {
    const usable = addresses.filter((address) => this.#isWanted(address)).slice(0, ADDRESSES_PER_NAME_MAX);
    if (usable.length === 0 || !this.#names.includes(name)) return false;
    const before = this.#resolved.get(name);
    // The same ones in another order are how a name server spreads load: the order of before stays, so that reports do.
    if (before?.toSorted().join() === usable.toSorted().join()) return false;
    this.#resolved.set(name, usable);
    return true;
  }

  /** Names to resolve now; the next round is due a cadence later, for those that have never resolved sooner. */
  takeDue(now: Instant): readonly string[] {
    const isRound = this.#nextAt !== undefined && this.#nextAt <= now;
    if (isRound) this.#nextAt = later(now, this.#settings.staticMap.cadenceMs);
    else if (this.#unresolvedAt === undefined || this.#unresolvedAt > now) return [];
    const isHopeful = this.#names.length > 0 && now < this.#hopefulUntil;
    this.#unresolvedAt = isHopeful ? later(now, UNRESOLVED_MS) : undefined;
    return isRound ? this.#names : this.#names.filter((name) => !this.#resolved.has(name));
  }

  nextAt(): Instant | undefined {
    return this.#resolved.size < this.#names.length ? earliest(this.#nextAt, this.#unresolvedAt) : this.#nextAt;
  }

  #endpointsOfEntry(entry: HostPort): readonly Endpoint[] {
    if (entry.kind === "literal") return [entry.endpoint];
    return (this.#resolved.get(entry.name) ?? []).map((address) => endpoint(address, entry.port));
  }

  #isWanted(address: IpAddress): boolean {
    const { network } = this.#settings.staticMap;
    return network === "ip" || familyOf(address) === (network === "ip4" ? 4 : 6);
  }
}

/** By its name alone: no name server is asked for it (RFC 6761, section 6.3). */
function isThisMachine(name: string): boolean {
  return /(^|\.)localhost\.?$/i.test(name);
}

/** Those of lighthouses first: the system asks for two at a time, and slow ones would hold up all that wait behind them. */
function namesIn({ staticHosts, lighthouse, advertise }: StaticHostSettings): readonly string[] {
  const first = lighthouse.hosts.flatMap((host) => staticHosts.get(host) ?? []);
  const entries = [...first, ...[...staticHosts.values()].flat(), ...advertise];
  return [...new Set(entries.flatMap((entry) => (entry.kind === "name" ? [entry.name] : [])))];
}

function withPort(value: Endpoint, udpPort: number): Endpoint {
  return value.endsWith(":0") ? (`${value.slice(0, -1)}${udpPort}` as Endpoint) : value;
}
