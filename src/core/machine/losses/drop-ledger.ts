import type { Instant } from "../../base/time.ts";
import type { DropReason } from "../../drop-reason.ts";

/** How long a dropped packet is news: long enough to be found by somebody who looks because of it. */
export const RECENT_MS = 300_000;
/** What is counted together, and so stays news a little longer than the others. */
const SLOT_MS = 30_000;

/** Packets that were dropped lately, for one reason. */
export interface RecentDrops {
  readonly packets: number;
  readonly lastMs: number;
}

interface Ledger {
  lastAt: Instant;
  /** The newest last. */
  slots: readonly { readonly slot: number; readonly packets: number }[];
}

/** Tells drops of the last minutes apart from those before: the data plane counts from its start. */
export class DropLedger {
  /** What had been counted at the last look. */
  #before: ReadonlyMap<DropReason, bigint> | undefined;
  readonly #byReason = new Map<DropReason, Ledger>();

  /** There is a data plane that has counted nothing yet. Of one that ran before us the first counts say nothing about when. */
  beginAnew(): void {
    this.#before = new Map();
  }

  /** All that the data plane has counted. */
  note(drops: ReadonlyMap<DropReason, bigint>, now: Instant): void {
    const before = this.#before;
    this.#before = drops;
    if (!before) return;
    for (const [reason, count] of drops) {
      const known = before.get(reason) ?? 0n;
      // Another data plane counts from nothing.
      const more = count >= known ? count - known : count;
      if (more > 0n) this.#add(reason, Number(more), now);
    }
  }

  recent(now: Instant): ReadonlyMap<DropReason, RecentDrops> {
    const told = new Map<DropReason, RecentDrops>();
    for (const [reason, { lastAt, slots }] of this.#byReason) {
      const packets = recentOf(slots, now).reduce((sum, slot) => sum + slot.packets, 0);
      if (packets > 0) told.set(reason, { packets, lastMs: now - lastAt });
    }
    return told;
  }

  #add(reason: DropReason, more: number, now: Instant): void {
    const slot = Math.floor(now / SLOT_MS);
    const slots = recentOf(this.#byReason.get(reason)?.slots ?? [], now);
    const last = slots.at(-1);
    const packets = last?.slot === slot ? last.packets + more : more;
    const older = last?.slot === slot ? slots.slice(0, -1) : slots;
    this.#byReason.set(reason, { lastAt: now, slots: [...older, { slot, packets }] });
  }
}

function recentOf(slots: Ledger["slots"], now: Instant): Ledger["slots"] {
  return slots.filter(({ slot }) => now - slot * SLOT_MS < RECENT_MS + SLOT_MS);
}
