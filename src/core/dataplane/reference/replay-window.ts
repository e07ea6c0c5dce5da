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

  /** Whether it is known that this counter was received: of what has left the window it is not. */
  remembers(counter: bigint): boolean {
    return counter <= this.#current && this.#current - counter < WINDOW && this.#isSeen(slotOf(counter));
  }

  /** Remembers an accepted counter; a jump forward of any size forgets what falls out. Returns how many go unseen. */
  commit(counter: bigint): number {
    const lost = counter > this.#current ? this.#advance(counter) : 0;
    const slot = slotOf(counter);
    this.#seen[slot >>> WORD_SHIFT] = this.#word(slot) | (1 << (slot % WORD_BITS));
    return lost;
  }

  #advance(to: bigint): number {
    const distance = to - this.#current;
    const first = slotOf(this.#current) + 1;
    let lost = 0;
    for (let i = 0; i < Number(distance < WINDOW ? distance : WINDOW); i++) {
      const slot = (first + i) % REPLAY_WINDOW_COUNTERS;
      if (!this.#isSeen(slot)) lost++;
      this.#clear(slot);
    }
    this.#current = to;
    return lost;
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
