import type { Certificate } from "../../../../src/core/cert/certificate.ts";
import type { PolicyProgram, PolicyRule } from "../../../../src/core/dataplane/contract.ts";
import type { Rule, Ruleset } from "../../../../src/core/firewall/rule.ts";
import {
  type CaOf,
  meansCa,
  meansEverybody,
  meansGroups,
  meansHost,
  type PeerFacts,
  peerFacts,
} from "../../../../src/core/firewall/ruleset.ts";
import { masked, type Prefix } from "../../../../src/core/netip/prefix.ts";

/** The model of a program: every rule asked about this peer, one after the other. */
export function plainProgram<Peer extends Certificate>(rules: Ruleset, peer: Peer, caOf: CaOf<Peer>): PolicyProgram {
  const facts = peerFacts(peer, caOf);
  return {
    refuse: rules.refuse,
    inbound: rules.inbound.flatMap((rule) => reduce(rule, facts, rules.defaultLocal)),
    outbound: rules.outbound.flatMap((rule) => reduce(rule, facts, rules.defaultLocal)),
  };
}

function reduce(rule: Rule, peer: PeerFacts, own: readonly Prefix[]): PolicyRule[] {
  const remote = remoteOf(rule, peer);
  if (!remote) return [];
  const { ruleId, protocol, portFirst, portLast, localCidr, icmpTypes, fragment } = rule;
  const local = localCidr === "any" ? [] : localCidr === undefined ? own : [masked(localCidr)];
  const special = { ...(icmpTypes.length > 0 && { icmpTypes }), ...(fragment && { fragment }) };
  return [{ ruleId, protocol, portFirst, portLast, remote, local, ...special }];
}

/** The remote addresses for which the rule can match this peer: empty for all of them, undefined for none. */
function remoteOf(rule: Rule, peer: PeerFacts): readonly Prefix[] | undefined {
  if (!meansCa(rule, peer)) return undefined;
  if (peer.debugGroup !== undefined)
    return rule.host !== "any" &&
      rule.groups.includes(peer.debugGroup) &&
      rule.groups.every((group) => peer.groups.has(group))
      ? []
      : undefined;
  if (meansEverybody(rule) || meansHost(rule, peer) || meansGroups(rule, peer)) return [];
  return rule.cidr === undefined || rule.cidr === "any" ? undefined : [masked(rule.cidr)];
}
