import type { Instant } from "../../base/time.ts";
import { isOpening, TcpFlag } from "../../wire/tcp-flags.ts";
import type { Direction } from "../contract.ts";

/** How long after its end a connection may still repeat what was lost of it. */
const LINGER_MS = 10_000;

/**
 * Whether a TCP connection is over, from the flags of the segments that passed (SEMANTICS 4.3): with a FIN each way, or with a RST. A RST of the
 * peer is disproved when this host goes on with anything but a RST: it has looked at the sequence number, which nobody here does.
 */
export class TcpEnd {
  readonly #finished = new Set<Direction>();
  #endedAt: Instant | undefined;
  #mayBeDisproved = false;

  /** Whether the connection is over, and may be followed by another one. */
  get isOver(): boolean {
    return this.#endedAt !== undefined;
  }

  /** Whether even what was lost of the connection has had its time. */
  isExpired(now: Instant): boolean {
    return this.#endedAt !== undefined && now - this.#endedAt > LINGER_MS;
  }

  passed(direction: Direction, flags: number, now: Instant): void {
    const isReset = (flags & TcpFlag.rst) !== 0;
    if (direction === "outbound" && !isReset && this.#mayBeDisproved) {
      this.#endedAt = undefined;
      this.#mayBeDisproved = false;
    }
    if (isOpening(flags)) this.#finished.clear();
    if (flags & TcpFlag.fin) this.#finished.add(direction);
    if (this.#endedAt !== undefined || !(isReset || this.#finished.size === 2)) return;
    this.#endedAt = now;
    this.#mayBeDisproved = isReset && direction === "inbound" && this.#finished.size < 2;
  }
}
