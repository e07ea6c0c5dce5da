import type { Endpoint } from "../../../src/core/netip/endpoint.ts";
import type { Link } from "./link.ts";
import type { Place, Spot } from "./realm.ts";

/** Where a host is seen from outside its NATs: what its last datagram was translated to. */
export class Faces {
  readonly #last = new Map<Link, Endpoint>();

  translated(sender: Place, external: Endpoint): void {
    this.#last.set(sender.link, external);
  }

  of(host: { readonly spot: Spot; readonly endpoint: Endpoint }): Endpoint {
    const { realm, link } = host.spot.place;
    return (realm.router && this.#last.get(link)) ?? host.endpoint;
  }
}
