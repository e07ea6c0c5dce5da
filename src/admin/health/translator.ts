import type { Health } from "../../runtime/service.ts";
import type { Sight } from "./sight.ts";

/** A translator forgets who may come in while nothing is sent: then nobody reaches this host before it speaks itself. */
export function* translatorHealth({ node }: Sight): Iterable<Health> {
  const { mapping } = node.nat;
  if (node.punches || mapping === "none" || mapping === "unknown") return;
  yield {
    code: "nat-without-punch",
    severity: "warning",
    text: "this host is behind an address translator, and punchy.punch is off: after a silence nobody reaches it from outside",
    todo: "set punchy.punch: true, then: lacis reload",
  };
}
