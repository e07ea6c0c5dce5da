import type { Health } from "../../runtime/service.ts";
import { NAMED_MAX, type Sight } from "./sight.ts";

/** Peers that go on with a certificate of ours that is another one by now, and cut us off when it ends. */
export function* notShownHealth({ node }: Sight): Iterable<Health> {
  const old = node.peers.filter(({ hasOldOfOurs }) => hasOldOfOurs);
  if (old.length === 0) return;
  const names = old.slice(0, NAMED_MAX).map(({ name, addresses }) => name ?? addresses[0]);
  const more = old.length > NAMED_MAX ? ` and ${old.length - NAMED_MAX} more` : "";
  yield {
    code: "certificate-not-shown",
    severity: "warning",
    text: `the new certificate of this host is not yet shown to ${names.join(", ")}${more}`,
    todo: `nothing, they are called again; where it stays so: lacis doctor ${old[0]?.addresses[0]}`,
    afterMs: 10_000,
  };
}
