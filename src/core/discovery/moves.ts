import { earliest, type Instant, instant, later } from "../base/time.ts";

/** What follows a change so closely belongs to it: an address goes, another comes, and then the route. */
const SETTLE_MS = 200;
/** A link that comes and goes is told of this often. */
const NEWS_APART_MS = 60_000;

/** When a change of our own place is acted on, at once or with what follows it closely, and when it is told of. */
export class Moves {
  #actAt: Instant | undefined;
  #restUntil: Instant = instant(0);
  /** Since the last time that it was told. */
  #changes = 0;
  #newsAt: Instant = instant(0);

  /** `isNews`: others would like to know of it. */
  happened(now: Instant, isNews = true): void {
    if (isNews) this.#changes++;
    this.#actAt ??= instant(Math.max(now, this.#restUntil));
  }

  /** True when something is to be done about it. */
  takeDue(now: Instant): boolean {
    if (this.#actAt === undefined || this.#actAt > now) return false;
    this.#actAt = undefined;
    this.#restUntil = later(now, SETTLE_MS);
    return true;
  }

  /** How many changes are to be told of now. */
  takeNews(now: Instant): number {
    if (this.#changes === 0 || this.#newsAt > now) return 0;
    const changes = this.#changes;
    this.#changes = 0;
    this.#newsAt = later(now, NEWS_APART_MS);
    return changes;
  }

  /** There is nobody to act. */
  stop(): void {
    this.#actAt = undefined;
    this.#changes = 0;
  }

  nextAt(): Instant | undefined {
    return earliest(this.#actAt, this.#changes > 0 ? this.#newsAt : undefined);
  }
}
