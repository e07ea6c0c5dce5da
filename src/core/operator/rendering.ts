import type { Notice } from "../notice.ts";

/** How one kind of event reads. */
export interface Rendering<Event> {
  readonly level: Notice["level"] | ((event: Event) => Notice["level"]);
  readonly text: (event: Event) => string;
  /** What is known as values; if not given, those of the event that are plain. */
  readonly fields?: (event: Event) => Record<string, Field | undefined>;
}

export type Field = Notice["fields"][string];
