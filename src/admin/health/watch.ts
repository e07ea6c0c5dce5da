import { healthOf } from "./health.ts";
import { HealthHistory, type HealthReport } from "./history.ts";
import type { Sight } from "./sight.ts";

/** How often health is looked at when nobody asks, so that it is known since when a trouble lasts: seldom, because an idle host should be idle. */
const LOOK_MS = 5_000;
/** One look at ten thousand peers takes some thousandths of a second. Of a host that does nothing else it may take this part of the time. */
const SHARE_OF_TIME = 0.001;

/** Looks at the health of a host now and then. */
export class HealthWatch {
  readonly #sight: () => Sight;
  readonly #history = new HealthHistory();
  #timer: NodeJS.Timeout | undefined;

  constructor(sight: () => Sight) {
    this.#sight = sight;
  }

  start(): void {
    this.#lookLater(LOOK_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** What is to be shown of what is wrong at this moment. */
  look(sight: Sight): readonly HealthReport[] {
    const { node, daemon, nowMs } = sight;
    return this.#history.look(healthOf(node, daemon, nowMs), nowMs);
  }

  #lookLater(ms: number): void {
    this.#timer = setTimeout(() => {
      const startedAt = performance.now();
      try {
        this.look(this.#sight());
      } catch {
        // A fault of ours in a picture is no reason to end the daemon; whoever asks for one is told.
      }
      this.#lookLater(Math.max(LOOK_MS, (performance.now() - startedAt) / SHARE_OF_TIME));
    }, ms).unref();
  }
}
