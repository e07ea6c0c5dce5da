import type { Endpoint } from "../../../src/core/netip/endpoint.ts";
import type { Link } from "./link.ts";
import type { Place, Spot } from "./realm.ts";

/** Where a host is seen from outside its NATs: what its last datagram was translated to. */
export class Faces {
  readonly #last = new Map<Link, Endpoint>();
  readonly #owners = new Map<Endpoint, Link>();

  translated({ link }: Place, external: Endpoint): void {
    const before = this.#owners.get(external);
    // A NAT that has forgotten its mappings gives the same port to somebody else.
    if (before && before !== link && this.#last.get(before) === external) this.#last.delete(before);
    this.#owners.set(external, link);
    this.#last.set(link, external);
  }

  of(host: { readonly spot: Spot; readonly endpoint: Endpoint }): Endpoint {
    const { realm, link } = host.spot.place;
    return (realm.router && this.#last.get(link)) ?? host.endpoint;
  }
}
