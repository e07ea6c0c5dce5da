import type { Notice } from "../../core/notice.ts";
import type { OperatorEvent } from "../../core/operator/event.ts";
import { render } from "../../core/operator/render.ts";

/** Passes everything that a host tells its operator on to whoever listens: the log first, then those who asked for it. */
export class EventFeed {
  readonly #listeners = new Set<(notice: Notice) => void>();

  /** How many listen now. */
  get listeners(): number {
    return this.#listeners.size;
  }

  tell(event: OperatorEvent): void {
    const notice = render(event);
    for (const listener of this.#listeners) listener(notice);
  }

  /** Returns the way to stop. A listener neither throws nor waits, and caps what it keeps. */
  listen(listener: (notice: Notice) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
