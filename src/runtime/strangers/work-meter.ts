import type { Standing } from "../../core/dataplane/standing.ts";

/** A share of one core, in milliseconds of work. */
interface Share {
  readonly msPerSecond: number;
  /** What may be saved up for a burst. */
  readonly savedMs: number;
}

/** For everybody, those who are known included. */
const COMMON: Share = { msPerSecond: 500, savedMs: 100 };
/** For those who are known, before they take of what is everybody's: a flood of strangers leaves them this. */
const RESERVE: Share = { msPerSecond: 200, savedMs: 40 };
/** The most that one item is charged for. What takes longer on the clock did not run all the time. */
const CHARGE_MS_MAX = 50;

/**
 * How much work may be done for those who have proved nothing (reliability R11). It counts what the work took, not how many asked for it, so that a
 * dearer kind of message buys no more than a cheap one. An item that is begun may overdraw; the next one waits until that is paid.
 */
export class WorkMeter {
  readonly #common: Account;
  readonly #reserve: Account;

  constructor(now: number) {
    this.#common = new Account(COMMON, now);
    this.#reserve = new Account(RESERVE, now);
  }

  /** In how many milliseconds the next item of this standing may be begun; 0: now. */
  readyIn(standing: Standing, now: number): number {
    const common = this.#common.readyIn(now);
    return standing === "known" ? Math.min(common, this.#reserve.readyIn(now)) : common;
  }

  /** Such an item took so long. */
  charge(standing: Standing, ms: number, now: number): void {
    const charged = Math.min(ms, CHARGE_MS_MAX);
    const hasReserve = standing === "known" && this.#reserve.readyIn(now) === 0;
    (hasReserve ? this.#reserve : this.#common).charge(charged, now);
  }
}

class Account {
  readonly #share: Share;
  #ms: number;
  #at: number;

  constructor(share: Share, now: number) {
    this.#share = share;
    this.#ms = share.savedMs;
    this.#at = now;
  }

  readyIn(now: number): number {
    this.#earn(now);
    return this.#ms > 0 ? 0 : (1000 * (MIN_MS - this.#ms)) / this.#share.msPerSecond;
  }

  charge(ms: number, now: number): void {
    this.#earn(now);
    this.#ms -= ms;
  }

  #earn(now: number): void {
    const earned = ((now - this.#at) * this.#share.msPerSecond) / 1000;
    this.#ms = Math.min(this.#ms + Math.max(earned, 0), this.#share.savedMs);
    this.#at = Math.max(now, this.#at);
  }
}

/** What must have been earned again before the next item is begun. */
const MIN_MS = 0.1;
