import { contains, formatPrefix, overlaps, type Prefix } from "../netip/prefix.ts";
import { meansByAddress, meansByName } from "./meaning.ts";
import type { AccessRule, HostFacts, Party, PolicyBody } from "./policy.ts";
import { NO_SERVICES, type ServiceSet, setOf } from "./service-set.ts";

/** What can be reached: a host itself, or a network behind it. */
export interface Target {
  readonly host: HostFacts;
  readonly network: Prefix | undefined;
}

/** The host itself, and what of the networks behind it any of these parties names. */
export function targetsOf(host: HostFacts, parties: readonly Party[]): readonly Target[] {
  const named = parties.flatMap((party) => (party.kind === "network" ? [party.prefix] : []));
  const shared = host.behind.flatMap((behind) =>
    named.filter((prefix) => overlaps(prefix, behind)).map((prefix) => (prefix.bits > behind.bits ? prefix : behind)),
  );
  const distinct = [...new Map(shared.map((prefix) => [formatPrefix(prefix), prefix])).values()];
  return [{ host, network: undefined }, ...distinct.map((network) => ({ host, network }))];
}

/** The enforced rules that let a host reach a target. */
export function rulesBetween({ rules }: Pick<PolicyBody, "rules">, from: HostFacts, to: Target): readonly AccessRule[] {
  return rules.filter(
    (rule) =>
      rule.mode === "enforce" &&
      rule.from.some((party) => isFrom(party, from)) &&
      rule.to.some((party) => isTo(party, to)),
  );
}

/** What a host may reach of a target once nothing is merely audited. */
export function accessOf(policy: Pick<PolicyBody, "rules">, from: HostFacts, to: Target): ServiceSet {
  const rules = rulesBetween(policy, from, to);
  return rules.length === 0 ? NO_SERVICES : setOf(rules.flatMap(({ allow }) => allow));
}

/** A network means a host that has an address in it. */
export function isFrom(party: Party, host: HostFacts): boolean {
  if (party.kind === "network") return host.addresses.some((address) => meansByAddress(party, host, address));
  return meansByName(party, host);
}

export function isTo(party: Party, { host, network }: Target): boolean {
  if (network === undefined) return isFrom(party, host);
  return party.kind === "network" && party.prefix.bits <= network.bits && contains(party.prefix, network.address);
}
