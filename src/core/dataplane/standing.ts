/** What is known of whoever sends a datagram that proves nothing (SEMANTICS 6). None of them can take what another one may use. */
export type Standing =
  /** From there something authentic came, or there we asked a moment ago. */
  | "known"
  /** The same message 1 came from there a moment ago, as those of a host do that waits for an answer. */
  | "repeated"
  /** Anybody. */
  | "first";
