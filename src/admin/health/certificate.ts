import type { Health } from "../../runtime/service.ts";
import { duration } from "../duration.ts";
import { DAY_S, type Sight } from "./sight.ts";

/** Our own certificate. */
export function* certificateHealth({ node, nowMs }: Sight): Iterable<Health> {
  const left = node.certificateNotAfter - Math.floor(nowMs / 1000);
  const todo = "renew it with lacis-cert resign, replace pki.cert, then: lacis reload";
  if (left < 0) {
    yield {
      code: "certificate-expired",
      severity: "error",
      text: `the certificate of this host expired ${duration(-left * 1000)} ago`,
      todo,
    };
  } else if (left < 30 * DAY_S) {
    const severity = left < 7 * DAY_S ? "error" : "warning";
    yield {
      code: "certificate-expires",
      severity,
      text: `the certificate of this host expires in ${duration(left * 1000)}`,
      todo,
    };
  }
}
