import { type Instant, later } from "../../base/time.ts";

/** What is due for a session that was asked whether it is still there. */
export type DoubtStep = "ask" | "judge";

/** Requests before it is judged. One that was lost says nothing, so there are always two; where many are lost, more. */
const ASKED = 2;
const ASKED_WHERE_LOSSY = 4;

/** The next step after `asked` requests at `at`, the first of which went out at `since`. All answers have the same time in the end. */
export function stepAfter(
  asked: number,
  since: Instant,
  way: { readonly judgeAfterMs: number; readonly isLossy: boolean },
): { readonly what: DoubtStep; readonly at: Instant } {
  const all = way.isLossy ? ASKED_WHERE_LOSSY : ASKED;
  const apartMs = way.judgeAfterMs / 4;
  if (asked < all) return { what: "ask", at: later(since, asked * apartMs) };
  return { what: "judge", at: later(since, way.judgeAfterMs + (all - ASKED) * apartMs) };
}
