/** Counters that one window remembers (protocol 2.4; releases up to 1.11.1 remember 1,024). */
export const REPLAY_WINDOW_COUNTERS = 8192;

/**
 * Which counters of one session have been received (protocol 2.4). `accepts` before the packet is opened, `commit` after it proved
 * authentic: a forged packet never moves the window (R15).
 */
export class ReplayWindow {
  /** Highest counter received. */
  #current: bigint;
  /** Bit `counter mod window`; set = received. Starts full: what is not above the floor counts as seen. */
  readonly #seen: Uint32Array = new Uint32Array(REPLAY_WINDOW_COUNTERS / WORD_BITS).fill(0xffff_ffff);

  /** Counters up to and including `floor` count as received. */
  constructor(floor: bigint) {
    this.#current = floor;
  }

  /** Whether a packet with this counter is new. What has left the window is not. */
  accepts(counter: bigint): boolean {
    if (counter > this.#current) return true;
    if (this.#current - counter >= WINDOW) return false;
    return !this.#isSeen(slotOf(counter));
  }

  /** Remembers an accepted counter; a jump forward of any size forgets what falls out. */
  commit(counter: bigint): void {
    if (counter > this.#current) this.#advance(counter);
    const slot = slotOf(counter);
    this.#seen[slot >>> WORD_SHIFT] = this.#word(slot) | (1 << (slot % WORD_BITS));
  }

  #advance(to: bigint): void {
    const distance = to - this.#current;
    if (distance >= WINDOW) {
      this.#seen.fill(0);
    } else {
      const first = slotOf(this.#current) + 1;
      for (let i = 0; i < Number(distance); i++) this.#clear((first + i) % REPLAY_WINDOW_COUNTERS);
    }
    this.#current = to;
  }

  #isSeen(slot: number): boolean {
    return ((this.#word(slot) >>> (slot % WORD_BITS)) & 1) === 1;
  }

  #clear(slot: number): void {
    this.#seen[slot >>> WORD_SHIFT] = this.#word(slot) & ~(1 << (slot % WORD_BITS));
  }

  #word(slot: number): number {
    return this.#seen[slot >>> WORD_SHIFT] ?? 0;
  }
}

const WINDOW = BigInt(REPLAY_WINDOW_COUNTERS);
const WORD_BITS = 32;
const WORD_SHIFT = 5;

function slotOf(counter: bigint): number {
  return Number(counter % WINDOW);
}
