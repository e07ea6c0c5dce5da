import type { Instant } from "../../base/time.ts";
import type { Endpoint } from "../../netip/endpoint.ts";

/** Two paths that both carry packets would otherwise be chosen in turn, packet by packet (protocol 8.5). */
const FLAP_GUARD_MS = 2000;

/** Where one session sends to, following the peer's authenticated packets (protocol 8.5). */
export class Path {
  #current: Endpoint | undefined;
  #left: { readonly path: Endpoint | undefined; readonly at: Instant } | undefined;

  constructor(initial: Endpoint | undefined) {
    this.#current = initial;
  }

  get current(): Endpoint | undefined {
    return this.#current;
  }

  /** The control plane's choice. */
  set(path: Endpoint): void {
    this.#current = path;
  }

  /** An authenticated packet came straight from `source`. True when the path moved there. */
  heardFrom(source: Endpoint, now: Instant): boolean {
    if (source === this.#current) return false;
    if (this.#left && now - this.#left.at < FLAP_GUARD_MS && source === this.#left.path) return false;
    this.#left = { path: this.#current, at: now };
    this.#current = source;
    return true;
  }
}
