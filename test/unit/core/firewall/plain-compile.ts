import type { Certificate } from "../../../../src/core/cert/certificate.ts";
import type { PolicyProgram, PolicyRule } from "../../../../src/core/dataplane/contract.ts";
import type { Rule } from "../../../../src/core/firewall/rule.ts";
import {
  type CaOf,
  meansCa,
  meansEverybody,
  meansGroups,
  meansHost,
  type PeerFacts,
  peerFacts,
  type Ruleset,
} from "../../../../src/core/firewall/ruleset.ts";
import { masked, type Prefix } from "../../../../src/core/netip/prefix.ts";

/** The model of a program: every rule asked about this peer, one after the other. */
export function plainProgram<Peer extends Certificate>(rules: Ruleset, peer: Peer, caOf: CaOf<Peer>): PolicyProgram {
  const facts = peerFacts(peer, caOf);
  return {
    refuse: DROP,
    inbound: rules.inbound.flatMap((rule) => reduce(rule, facts)),
    outbound: rules.outbound.flatMap((rule) => reduce(rule, facts)),
  };
}

/** What the configuration cannot say yet: a packet that no rule allows is dropped. */
const DROP = { inbound: "drop", outbound: "drop" } as const;

function reduce(rule: Rule, peer: PeerFacts): PolicyRule[] {
  const remote = remoteOf(rule, peer);
  if (!remote) return [];
  const { ruleId, protocol, portFirst, portLast } = rule;
  return [{ ruleId, protocol, portFirst, portLast, remote, local: [] }];
}

/** The remote addresses for which the rule can match this peer: empty for all of them, undefined for none. */
function remoteOf(rule: Rule, peer: PeerFacts): readonly Prefix[] | undefined {
  if (!meansCa(rule, peer)) return undefined;
  if (meansEverybody(rule) || meansHost(rule, peer) || meansGroups(rule, peer)) return [];
  return rule.cidr === undefined || rule.cidr === "any" ? undefined : [masked(rule.cidr)];
}
