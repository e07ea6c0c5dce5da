import type { LiveSettings } from "../config/settings.ts";
import type { DropSample } from "../dataplane/contract.ts";
import { DropReason } from "../drop-reason.ts";
import { type Explanation, explain } from "../firewall/explain.ts";
import { ruleText } from "../firewall/rule-text.ts";
import type { PacketEvent } from "../operator/event.ts";
import type { Session } from "../peer/session.ts";

/** A dropped packet that the data plane picked as a sample. What the rules forbid is what operators look for. */
export function dropReport(sample: DropSample, session: Session | undefined, settings: LiveSettings): PacketEvent {
  if (sample.reason !== DropReason.noMatchingRule) return { code: "packet-dropped", sample };
  const closest = closestRule(sample, session, settings);
  return {
    code: "packet-denied",
    sample,
    closest: closest &&
      session && {
        place: closest.rule.place,
        rule: ruleText(closest.rule),
        misses: closest.misses,
        peer: { name: session.peer.name, groups: session.peer.groups },
      },
  };
}

/** Undefined when there is none, or when the rules have changed since and would allow the packet now. */
function closestRule(
  sample: DropSample,
  session: Session | undefined,
  { firewall, identity }: LiveSettings,
): Extract<Explanation, { allowed: false }>["closest"] {
  const { localAddress, remoteAddress, protocol, localPort, remotePort } = sample;
  if (!session || localAddress === undefined || remoteAddress === undefined) return undefined;
  const explanation = explain(firewall, {
    direction: sample.inbound ? "inbound" : "outbound",
    packet: { localAddress, remoteAddress, protocol, localPort, remotePort },
    peer: session.peer,
    caOf: (certificate) => identity.pool.caOf(certificate),
  });
  return explanation.allowed ? undefined : explanation.closest;
}
