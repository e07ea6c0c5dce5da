/**
 * Something an operator may want to know: the core's only way to speak. The runtime logs it, through a limiter per `code`
 * (reliability R70). Values are fields, not text; hostile bytes never get in (a certificate that did not verify is named by its
 * fingerprint only).
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
