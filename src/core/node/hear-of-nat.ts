import type { Machines, NodeEvent } from "./machines.ts";

type About<Kind extends NodeEvent["kind"]> = Extract<NodeEvent, { kind: Kind }>;

/** How lighthouses see this host comes from several of them within a moment. */
const TOLD_WITHIN_MS = 50;

/** Who hears what lighthouses say about address translators. */
export function hearOfNat(
  event: About<"seen-by-lighthouse" | "nat-changed" | "told-about">,
  { discovery, nat, traversal }: Pick<Machines, "discovery" | "nat" | "traversal">,
): void {
  switch (event.kind) {
    case "seen-by-lighthouse":
      nat.seen(event.session, event.sight);
      return;
    case "nat-changed":
      discovery.presence.hurry(TOLD_WITHIN_MS);
      return;
    case "told-about":
      if (event.nat) nat.told(event.host, event.nat);
      if (event.why === "we-call") traversal.calling(event);
      else traversal.called(event);
  }
}
