import { Pace } from "../../base/pace.ts";
import type { Instant } from "../../base/time.ts";
import type { Place } from "../../path/place.ts";

/** Answers read from one place that message 1 went to: each message 1 draws one, and a forger in its place gets this much work out of us. */
const FROM_CALLED = { burst: 100, intervalMs: 10 } as const;
/** From everywhere else together: only a translator on the way answers from where nobody was called. */
const FROM_ELSEWHERE = { burst: 20, intervalMs: 100 } as const;
/** In all: a twentieth of a core, however many places the forger takes. */
const IN_ALL = { burst: 300, intervalMs: 4 } as const;
/** Places of one call: all that it may try. */
const ENDPOINTS_MAX = 256;

/**
 * How many messages 2 of one call are read. Each costs two key agreements before it shows whether its sender has seen message 1, and that is all
 * that it shows. So none is believed for coming first, and none ignored for what came before from the same place: only for coming in heaps.
 */
export class AnswerBudget {
  readonly #called = new Pace<Place>(FROM_CALLED, ENDPOINTS_MAX);
  readonly #elsewhere = new Pace<"">(FROM_ELSEWHERE, 1);
  readonly #all = new Pace<"">(IN_ALL, 1);

  /** Whether one more from here is read. */
  take(source: Place, isCalled: boolean, now: Instant): boolean {
    if (!this.#all.has("", now)) return false;
    const isRead = isCalled ? this.#called.take(source, now) : this.#elsewhere.take("", now);
    return isRead && this.#all.take("", now);
  }
}
