import type { Instant } from "../../base/time.ts";
import { type Origin, type Path, samePath } from "../../path/path.ts";

/** Two paths that both carry packets would otherwise be chosen in turn, packet by packet (protocol 8.5). */
const FLAP_GUARD_MS = 2000;

/** Where one session sends to, following the peer's authenticated packets (protocol 8.5). */
export class SessionPath {
  #current: Path | undefined;
  #left: { readonly path: Path | undefined; readonly at: Instant } | undefined;

  constructor(initial: Path | undefined) {
    this.#current = initial;
  }

  get current(): Path | undefined {
    return this.#current;
  }

  /** The control plane's choice. */
  set(path: Path): void {
    this.#current = path;
  }

  /** An authenticated packet came straight from `origin`. True when the path moved there. */
  heardFrom(origin: Origin, now: Instant): boolean {
    if (samePath(origin, this.#current)) return false;
    if (this.#left && now - this.#left.at < FLAP_GUARD_MS && samePath(origin, this.#left.path)) return false;
    this.#left = { path: this.#current, at: now };
    this.#current = origin;
    return true;
  }
}
