import type { SendTrouble } from "../../core/machine/losses/losses.ts";
import { isCapacityError, sendErrorText, sendErrorTodo } from "../../core/operator/send-error-text.ts";
import type { Health } from "../../runtime/service.ts";
import { duration } from "../duration.ts";
import type { Sight } from "./sight.ts";

/** Datagrams that this machine's own system does not send. */
export function* sendHealth({ node }: Sight): Iterable<Health> {
  for (const trouble of node.sendTroubles) {
    const { error, places, sinceMs, isTotal } = trouble;
    const what = isTotal ? "nothing leaves this machine" : "datagrams do not leave this machine";
    const where = places.length === 0 ? "" : `, last to ${places.toReversed().join(", ")}`;
    yield {
      code: "send-refused",
      about: error,
      severity: severityOf(trouble),
      text: `${what}: ${sendErrorText(error)}${where}, for ${duration(Math.max(sinceMs, 1000))}`,
      todo: sendErrorTodo(error),
    };
  }
}

/** Of many places where a host may be, some cannot be reached from everywhere; a packet filter means all. */
function severityOf({ error, isTotal }: SendTrouble): Health["severity"] {
  if (isCapacityError(error)) return "note";
  return isTotal || error === "EPERM" ? "warning" : "note";
}
