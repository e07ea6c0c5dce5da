import { equalBytes } from "../base/bytes.ts";
import { BulletinKind } from "../bulletin/bulletin.ts";
import type { HeldBulletin } from "../bulletin/held.ts";
import { type BulletinNotice, noticeOf } from "../bulletin/notice.ts";
import { isLimited } from "../cert/revocation-list.ts";
import type { NodeFacts } from "./facts.ts";
import type { Machines, NodeEvent } from "./machines.ts";
import type { Outbox } from "./outbox.ts";

type BulletinEvent = Extract<
  NodeEvent,
  {
    kind:
      | "bulletins-changed"
      | "published"
      | "revoked"
      | "network-rules"
      | "bulletin-became"
      | "guest-rules"
      | "guests-gone"
      | "rules-stand";
  }
>;

/** Who hears what about bulletins of the authority, and what becomes of them here. */
export function hearOfBulletins(
  event: BulletinEvent,
  facts: NodeFacts,
  { bulletins, guests, liveness, networkPolicy, policies }: Machines,
  out: Outbox,
): void {
  switch (event.kind) {
    case "published":
      out.published(event.id, event.refusal);
      return;
    case "bulletins-changed":
      out.bulletins(event.held);
      networkPolicy.told(lastOf(BulletinKind.policy, event.held, facts));
      guests.told(lastOf(BulletinKind.debugAccess, event.held, facts));
      return;
    case "revoked":
      facts.replaceRevocations(event.lists);
      // Tunnels of whoever is on the list end now, not with the next round.
      liveness.reload();
      return;
    case "network-rules":
      facts.replaceRules(event.rules);
      policies.replace();
      return;
    case "guest-rules":
      if (facts.replaceGuestRules(event.rules)) policies.replace();
      else guests.rulesStand();
      return;
    case "guests-gone":
      // Their tunnels end with their certificates, and not with the next round.
      liveness.reload();
      return;
    case "bulletin-became":
      bulletins.told({ what: "became", id: event.id, state: event.state });
      return;
    case "rules-stand":
      networkPolicy.rulesStand();
      guests.rulesStand();
      if (event.ofReload) out.tell({ code: "reloaded" });
  }
}

/**
 * While an authority is exchanged two may speak: the higher number counts, whoever has signed it. One that is limited in what it may sign speaks only to
 * those that it has signed for: else whoever holds the key of the guests' authority could open every host.
 */
function lastOf(kind: string, held: readonly HeldBulletin[], { settings }: NodeFacts): BulletinNotice | undefined {
  const { credential, pool } = settings.live.identity;
  const own = Object.values(credential.certificates).flatMap((each) => (each && pool.caOf(each)) ?? []);
  const [last] = held
    .filter(({ head }) => head.kind === kind)
    .filter(
      ({ authority }) =>
        !isLimited(authority) || own.some(({ publicKey }) => equalBytes(publicKey, authority.publicKey)),
    )
    .toSorted((a, b) => b.head.number - a.head.number || b.head.issuedAt - a.head.issuedAt);
  return last && noticeOf(last);
}
