/** Counters that one window remembers (protocol 2.4; releases up to 1.11.1 remember 1,024). */
export const REPLAY_WINDOW_COUNTERS = 8192;

/**
 * Which counters of one session have been received (protocol 2.4). `accepts` before the packet is opened, `commit` after it proved
 * authentic: a forged packet never moves the window (R15).
 */
export class ReplayWindow {
  /** Highest counter received. */
  #current: bigint;
  /**
   * Bit `counter mod window`; set = received. What is not above the floor counts as seen, and a part that is not there is all set: a session
   * that has received everything in order has none.
   */
  #parts: (Uint32Array | undefined)[] = NO_PARTS;

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
    this.#mark(slotOf(counter), true);
    return lost;
  }

  /** Leaves the slot of `to` itself as it was: it is marked anyway. */
  #advance(to: bigint): number {
    const distance = to - this.#current;
    const first = slotOf(this.#current) + 1;
    const reached = slotOf(to);
    let lost = 0;
    for (let i = 0; i < Number(distance < WINDOW ? distance : WINDOW); i++) {
      const slot = (first + i) % REPLAY_WINDOW_COUNTERS;
      if (!this.#isSeen(slot)) lost++;
      if (slot !== reached) this.#mark(slot, false);
    }
    this.#current = to;
    return lost;
  }

  #isSeen(slot: number): boolean {
    const word = this.#parts[slot >>> PART_SHIFT]?.[(slot >>> WORD_SHIFT) % PART_WORDS] ?? ALL_SEEN;
    return ((word >>> (slot % WORD_BITS)) & 1) === 1;
  }

  #mark(slot: number, seen: boolean): void {
    if (this.#isSeen(slot) === seen) return;
    if (this.#parts === NO_PARTS) this.#parts = new Array<undefined>(PARTS).fill(undefined);
    const at = slot >>> PART_SHIFT;
    const part = this.#parts[at] ?? new Uint32Array(PART_WORDS).fill(ALL_SEEN);
    this.#parts[at] = part;
    const word = (slot >>> WORD_SHIFT) % PART_WORDS;
    part[word] = (part[word] ?? ALL_SEEN) ^ (1 << (slot % WORD_BITS));
  }
}

const WINDOW = BigInt(REPLAY_WINDOW_COUNTERS);
const WORD_BITS = 32;
const WORD_SHIFT = 5;
/** So small that its words lie in the array itself. */
const PART_WORDS = 16;
const PART_SHIFT = 9;
const PARTS = REPLAY_WINDOW_COUNTERS / (PART_WORDS * WORD_BITS);
const NO_PARTS: (Uint32Array | undefined)[] = [];
const ALL_SEEN = 0xffff_ffff;

function slotOf(counter: bigint): number {
  return Number(counter % WINDOW);
}
