import { OperatorError } from "./operator-error.ts";

/** What came of something that an operator asked for; undefined stands for too many that wait for theirs already. */
export function unlessTooMany<Result>(result: Result | undefined, what: "pings" | "questions"): Result {
  if (result !== undefined) return result;
  throw new OperatorError(`too-many-${what}`, {
    what: what === "pings" ? "cannot ping" : "cannot ask",
    why: `too many ${what} wait for their answer already`,
    todo: "try again in a few seconds",
  });
}
