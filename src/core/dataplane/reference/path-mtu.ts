import type { Instant } from "../../base/time.ts";
import type { PathMtu } from "../contract.ts";

/** Between two times that a session tells of large packets. */
const TOLD_EVERY_MS = 250;

/** How long the inner packets of one session may be, and whether it is to be told that long ones go out (SEMANTICS 4.7). */
export class SessionMtu {
  #mtu = 0;
  #largeAbove = 0;
  #tellFrom = 0;

  /** The longest inner packet; 0: any. */
  get longest(): number {
    return this.#mtu;
  }

  set({ mtu, largeAbove }: PathMtu): void {
    this.#mtu = mtu;
    this.#largeAbove = largeAbove;
  }

  /** Whether this inner packet, which goes out now, is to be told of. */
  tells(bytes: number, now: Instant): boolean {
    const at = Math.floor(now);
    if (this.#largeAbove === 0 || bytes <= this.#largeAbove || at < this.#tellFrom) return false;
    this.#tellFrom = at + TOLD_EVERY_MS;
    return true;
  }
}
