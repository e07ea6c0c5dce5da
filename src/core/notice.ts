/**
 * An operator event in words (operator/render.ts makes it): a line of the log, which has a limiter per `code` (reliability R70). Values are
 * fields, not text.
 */
export interface Notice {
  /** per packet = trace; a branch taken = debug; a peer's state changed = info; unusual but working = warn. */
  readonly level: "trace" | "debug" | "info" | "warn" | "error";
  /** Stable, kebab-case: "tunnel-up", "handshake-refused", ... */
  readonly code: string;
  /** One sentence. */
  readonly text: string;
  readonly fields: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}
