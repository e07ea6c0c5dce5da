import type { Instant } from "../../base/time.ts";
import { type Origin, type Path, samePath } from "../../path/path.ts";

/** Two paths that both carry packets would otherwise be chosen in turn, packet by packet (protocol 8.5). */
const FLAP_GUARD_MS = 2000;
/** How often a move is told at once. A peer can move with every packet; only where it is now is of use to anybody. */
const TOLD_INTERVAL_MS = 1000;

/** Where one session sends to, following the peer's authenticated packets (protocol 8.5). */
export class SessionPath {
  #current: Path | undefined;
  #left: { readonly path: Path | undefined; readonly at: Instant } | undefined;

  /** The path that the control plane has left because it loses packets. */
  #shunned: Path | undefined;
  #isUntold = false;
  #toldAt: Instant | undefined;

  constructor(initial: Path | undefined) {
    this.#current = initial;
  }

  get current(): Path | undefined {
    return this.#current;
  }

  /** The control plane's choice. `shunLeft`: what comes on the path of before does not lead back there. */
  set(path: Path, { shunLeft }: { readonly shunLeft: boolean } = { shunLeft: false }): void {
    this.#shunned = shunLeft && !samePath(path, this.#current) ? this.#current : undefined;
    this.#current = path;
    this.#isUntold = false;
  }

  /**
   * An authenticated packet came from `origin`, straight being a better way than any relay, and where the peer may be only if `isAllowed` says so.
   * Returns the path when it moved, there or before, and is to be told now.
   */
  heardFrom(origin: Origin, isAllowed: () => boolean, now: Instant): Path | undefined {
    if (!samePath(origin, this.#current) && !this.#isBack(origin, now) && isAllowed()) {
      this.#left = { path: this.#current, at: now };
      this.#current = origin;
      this.#shunned = undefined;
      this.#isUntold = true;
    }
    const isTooSoon = this.#toldAt !== undefined && now - this.#toldAt < TOLD_INTERVAL_MS;
    return isTooSoon ? undefined : this.takeUntold(now);
  }

  /** The path, if it moved and that has not been told. It is told now. */
  takeUntold(now: Instant): Path | undefined {
    if (!this.#isUntold) return undefined;
    this.#isUntold = false;
    this.#toldAt = now;
    return this.#current;
  }

  #isBack(origin: Origin, now: Instant): boolean {
    if (this.#shunned && samePath(origin, this.#shunned)) return true;
    if (this.#current?.kind === "relayed") return false;
    return this.#left !== undefined && now - this.#left.at < FLAP_GUARD_MS && samePath(origin, this.#left.path);
  }
}
