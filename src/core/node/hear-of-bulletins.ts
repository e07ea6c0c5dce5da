import type { NodeFacts } from "./facts.ts";
import type { Machines, NodeEvent } from "./machines.ts";
import type { Outbox } from "./outbox.ts";

/** Who hears what about bulletins of the authority. */
export function hearOfBulletins(
  event: Extract<NodeEvent, { kind: "bulletins-changed" | "published" | "revoked" }>,
  facts: NodeFacts,
  { liveness }: Pick<Machines, "liveness">,
  out: Outbox,
): void {
  switch (event.kind) {
    case "published":
      out.published(event.id, event.refusal);
      return;
    case "bulletins-changed":
      out.bulletins(event.held);
      return;
    case "revoked":
      facts.replaceRevocations(event.lists);
      // Tunnels of whoever is on the list end now, not with the next round.
      liveness.reload();
  }
}
