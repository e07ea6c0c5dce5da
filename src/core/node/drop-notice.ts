import type { DropSample } from "../dataplane/contract.ts";
import { DropReason } from "../drop-reason.ts";
import { type Explanation, explain, type RulePart } from "../firewall/explain.ts";
import type { NodeState } from "./state.ts";

/** Tells of a dropped packet that the data plane picked as a sample. What the rules forbid is what operators look for. */
export function tellDrop(state: NodeState, sample: DropSample): void {
  const { localAddress, remoteAddress, source } = sample;
  const direction = sample.inbound ? "inbound" : "outbound";
  const fields = {
    reason: sample.reason,
    direction,
    ...(localAddress === undefined ? {} : { local: localAddress }),
    ...(remoteAddress === undefined ? {} : { remote: remoteAddress }),
    ...(localAddress === undefined
      ? {}
      : { protocol: sample.protocol, localPort: sample.localPort, remotePort: sample.remotePort }),
    ...(source === undefined ? {} : { source }),
  };
  if (sample.reason !== DropReason.noMatchingRule) {
    state.out.notice("debug", "packet-dropped", `An ${direction} packet was dropped: ${sample.reason}.`, fields);
    return;
  }
  const closest = closestRule(state, sample);
  const text = `No ${direction} rule allows this packet.`;
  if (!closest) {
    state.out.notice("info", "packet-denied", text, fields);
    return;
  }
  const { rule, misses } = closest;
  const closer = `${text} The one at ${rule.place} comes closest, but for ${misses.map((part) => NAMES[part]).join(", ")}.`;
  state.out.notice("info", "packet-denied", closer, { ...fields, closestRule: rule.place, misses });
}

/** In the words of the configuration. */
const NAMES: Readonly<Record<RulePart, string>> = {
  protocol: "its proto",
  port: "its port",
  ca: "its ca_name or ca_sha",
  peer: "its host, groups or cidr",
};

/** Undefined when there is none, or when the rules have changed since and would allow the packet now. */
function closestRule(state: NodeState, sample: DropSample): Extract<Explanation, { allowed: false }>["closest"] {
  const { remoteAddress, localIndex, protocol, localPort, remotePort } = sample;
  const tunnel = localIndex === undefined ? undefined : state.tunnels.get(localIndex);
  if (!tunnel || remoteAddress === undefined) return undefined;
  const { firewall, identity } = state.settings.live;
  const explanation = explain(firewall, {
    direction: sample.inbound ? "inbound" : "outbound",
    packet: { remoteAddress, protocol, localPort, remotePort },
    peer: tunnel.peer,
    caOf: (certificate) => identity.pool.caOf(certificate),
  });
  return explanation.allowed ? undefined : explanation.closest;
}
