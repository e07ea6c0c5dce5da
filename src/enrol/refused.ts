import type { EnrolmentRefusal } from "../core/enrolment/refusal.ts";
import { OperatorError } from "../runtime/operator-error.ts";

/** A refusal in the words of whoever refused. */
export function refusedBy({ code, what, why, todo }: EnrolmentRefusal): OperatorError {
  return new OperatorError(code, { what, why, todo });
}
