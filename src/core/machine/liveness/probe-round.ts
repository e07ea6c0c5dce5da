import { type Instant, later } from "../../base/time.ts";
import type { Session } from "../../peer/session.ts";

/** Probed at once. Whoever runs something in the foreground talks to fewer. */
const AT_ONCE = 20;
/** The others at 200 a second: what a burst of all of them would lose on a thin link would look like silence. */
const STEP = 10;
const STEP_MS = 50;
/** A host of another kind ignores us for 2 s when we come back to where we have just been: so everybody is tried once more after that. */
const AGAIN_MS = 2_100;

/** Sessions that are to be probed, one after the other. */
export class ProbeRound {
  #sessions: readonly Session[] = [];
  #done = 0;
  #dueAt: Instant | undefined;
  #isSecond = false;

  /** In place of a round that is under way. */
  begin(sessions: readonly Session[], now: Instant): void {
    this.#sessions = sessions;
    this.#isSecond = false;
    this.#done = 0;
    this.#dueAt = sessions.length > 0 ? now : undefined;
  }

  takeDue(now: Instant): readonly Session[] {
    if (this.#dueAt === undefined || this.#dueAt > now) return [];
    const due = this.#sessions.slice(this.#done, this.#done + (this.#done === 0 ? AT_ONCE : STEP));
    this.#done += due.length;
    this.#dueAt = later(now, STEP_MS);
    if (this.#done >= this.#sessions.length) this.#repeat(now);
    return due;
  }

  stop(): void {
    this.begin([], 0 as Instant);
  }

  nextAt(): Instant | undefined {
    return this.#dueAt;
  }

  #repeat(now: Instant): void {
    this.#dueAt = this.#isSecond ? undefined : later(now, AGAIN_MS);
    this.#isSecond = true;
    this.#done = 0;
  }
}
