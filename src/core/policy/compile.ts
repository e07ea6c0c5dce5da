import type { Direction } from "../dataplane/contract.ts";
import type { Rule, RuleLists } from "../firewall/rule.ts";
import type { Prefix } from "../netip/prefix.ts";
import { PORT_MAX } from "../netip/service.ts";
import { meansByName, touches } from "./meaning.ts";
import type { AccessRule, AllowedService, HostFacts, Party, PolicyBody } from "./policy.ts";

/** A host's own rules: those that are about it, in the order of the document. */
export function compilePolicy(policy: PolicyBody, host: HostFacts): RuleLists {
  return { inbound: rulesOf(policy, host, "inbound"), outbound: rulesOf(policy, host, "outbound") };
}

/** What only audited rules allow is to be told as such, so they come last: the first rule that fits is the one that is named. */
function rulesOf(policy: PolicyBody, host: HostFacts, direction: Direction): readonly Rule[] {
  const rules = new RuleList();
  const isFree = direction === "outbound" && policy.outbound === "any";
  if (isFree) rules.add({ ...EVERYTHING, place: policy.place });
  else {
    for (const rule of policy.rules) if (rule.mode === "enforce") addRule(rules, rule, host, direction);
    for (const rule of policy.rules) if (rule.mode === "audit") addRule(rules, rule, host, direction);
  }
  if (!isFree && policy.mode === "audit") rules.add({ ...EVERYTHING, place: policy.place, audit: true });
  return rules.list;
}

function addRule(rules: RuleList, rule: AccessRule, host: HostFacts, direction: Direction): void {
  const [ours, theirs] = direction === "inbound" ? [rule.to, rule.from] : [rule.from, rule.to];
  const locals = localsOf(ours, host, direction);
  for (const localCidr of locals)
    for (const party of theirs)
      for (const service of rule.allow)
        rules.add({
          ...peerOf(party),
          ...packetsOf(service),
          localCidr,
          place: rule.place,
          ...(rule.mode === "audit" && { audit: true }),
        });
}

/** Local addresses that a rule is about on this host: none where it is not about it at all. */
function localsOf(parties: readonly Party[], host: HostFacts, direction: Direction): readonly Rule["localCidr"][] {
  const networks = parties.flatMap((party): readonly Prefix[] =>
    party.kind === "network" && touches(party, host) ? [party.prefix] : [],
  );
  if (!parties.some((party) => meansByName(party, host))) return networks;
  // Whoever sends from behind a host speaks for it; but what lies behind a host is reached only where a rule says so by its address.
  return direction === "outbound" ? ["any"] : [undefined, ...networks];
}

function peerOf(party: Party): Pick<Rule, "host" | "groups" | "cidr"> {
  switch (party.kind) {
    case "any":
      return { host: "any", groups: [], cidr: undefined };
    case "groups":
      return { host: undefined, groups: party.groups, cidr: undefined };
    case "host":
      return { host: party.name, groups: [], cidr: undefined };
    case "network":
      return { host: undefined, groups: [], cidr: party.prefix };
  }
}

type Packets = Pick<Rule, "protocol" | "portFirst" | "portLast" | "icmpTypes" | "fragment">;

/** The packets that a rule about this service means. */
export function packetsOf({ protocol, portFirst, portLast, icmpTypes }: AllowedService): Packets {
  return { protocol, portFirst, portLast, icmpTypes, fragment: false };
}

const EVERYTHING = {
  ...peerOf({ kind: "any" }),
  ...packetsOf({ protocol: "any", portFirst: 0, portLast: PORT_MAX, icmpTypes: [] }),
  localCidr: "any",
} as const;

/** Rules in order, numbered as a host numbers them. */
class RuleList {
  readonly list: Rule[] = [];

  add(rule: Omit<Rule, "ruleId" | "caName" | "caSha">): void {
    this.list.push({ ...rule, ruleId: this.list.length, caName: undefined, caSha: undefined });
  }
}
