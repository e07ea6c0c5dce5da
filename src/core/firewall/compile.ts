import type { Certificate } from "../cert/certificate.ts";
import type { PolicyProgram, PolicyRule } from "../dataplane/contract.ts";
import { masked, type Prefix } from "../netip/prefix.ts";
import type { Rule } from "./rule.ts";
import {
  type CaOf,
  meansCa,
  meansEverybody,
  meansGroups,
  meansHost,
  type PeerFacts,
  peerFacts,
  type Ruleset,
} from "./ruleset.ts";

/**
 * What this peer may do: the rules reduced to those that its certificate can match (protocol 9.4). What is left - protocol, port and
 * remote address - needs no certificate, so the data plane decides it alone, once per flow.
 */
export function compileProgram<Peer extends Certificate>(rules: Ruleset, peer: Peer, caOf: CaOf<Peer>): PolicyProgram {
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
