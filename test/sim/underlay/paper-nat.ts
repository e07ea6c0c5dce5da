import { type NatBehaviour, seenAs } from "../nat/behaviour.ts";

/** An endpoint by its name instead of by its number: on paper, a port is the story of how it came about. */
export interface PaperEndpoint {
  readonly address: string;
  readonly port: string;
}

/** What the predicate knows of a site. */
export interface PaperSite {
  readonly name: string;
  readonly within: string | undefined;
  readonly nat: Pick<NatBehaviour, "mapping" | "filtering" | "hairpinning"> &
    Partial<Pick<NatBehaviour, "portAssignment">>;
}

/**
 * NATs on paper: mappings without numbers, that never expire and never collide. Says of each datagram whether it arrives, and from where, given all
 * that were sent before. Knows nothing of the boxes that the simulator runs.
 */
export class PaperUnderlay {
  readonly #sites: ReadonlyMap<string, PaperSite>;
  readonly #internal = new Map<string, PaperEndpoint>();
  readonly #permitted = new Set<string>();

  constructor(sites: readonly PaperSite[]) {
    this.#sites = new Map(sites.map((site) => [site.name, site]));
  }

  /** Where a host in this site is, in its own eyes. */
  endpointOf(host: string, site: string | undefined): PaperEndpoint {
    return { address: `${site ?? INTERNET}/${host}`, port: "own" };
  }

  /** Whether what `from`, in `site`, sends to `to` arrives: at which endpoint inside, and from which source. */
  send(
    from: PaperEndpoint,
    site: string | undefined,
    to: PaperEndpoint,
  ): { readonly at: PaperEndpoint; readonly source: PaperEndpoint } | undefined {
    let source = from;
    for (let name = site; name !== undefined && !isIn(name, to); name = this.#site(name).within) {
      const box = this.#site(name);
      source = this.#outbound(box, source, to);
      // Its own address outside: the datagram turns round here, or not at all.
      if (source.address === to.address) {
        return box.nat.hairpinning ? this.#descend(to, source) : undefined;
      }
    }
    return this.#descend(to, source);
  }

  #outbound(box: PaperSite, internal: PaperEndpoint, remote: PaperEndpoint): PaperEndpoint {
    const external = {
      address: `${box.within ?? INTERNET}/router of ${box.name}`,
      port: `${textOf(internal)}>${seenAs(box.nat.mapping, remote)}`,
    };
    this.#internal.set(textOf(external), internal);
    this.#permitted.add(`${textOf(external)}<${seenAs(box.nat.filtering, remote)}`);
    return external;
  }

  #descend(
    to: PaperEndpoint,
    source: PaperEndpoint,
  ): { readonly at: PaperEndpoint; readonly source: PaperEndpoint } | undefined {
    const [, routerOf] = /\/router of (.*)$/.exec(to.address) ?? [];
    if (routerOf === undefined) return { at: to, source };
    const internal = this.#internal.get(textOf(to));
    const sender = seenAs(this.#site(routerOf).nat.filtering, source);
    if (!internal || !this.#permitted.has(`${textOf(to)}<${sender}`)) return undefined;
    return this.#descend(internal, source);
  }

  #site(name: string): PaperSite {
    const site = this.#sites.get(name);
    if (!site) throw new RangeError(`there is no site ${name}`);
    return site;
  }
}

const INTERNET = "internet";

function isIn(site: string, { address }: PaperEndpoint): boolean {
  return address.startsWith(`${site}/`);
}

function textOf({ address, port }: PaperEndpoint): string {
  return `(${address}:${port})`;
}
