import { accessOf, isFrom, isTo, rulesBetween, type Target } from "./access.ts";
import type { AccessRule, HostFacts, NamedService, Policy } from "./policy.ts";
import { common, isEmpty, setOf, setText, without } from "./service-set.ts";
import { partyText } from "./words.ts";

/** One thing that a test, or `keep`, asks for, and whether the rules say so. */
export interface TestOutcome {
  /** Where the test stands. */
  readonly place: string;
  readonly from: string;
  readonly to: string;
  readonly service: string;
  readonly wanted: "allow" | "deny";
  readonly holds: boolean;
  /** Where it does not: what the rules say instead, and which one. */
  readonly why: string | undefined;
}

/** Every test of a policy, from each host to each. They ask what holds once nothing is merely audited. */
export function* runTests(policy: Policy): Generator<TestOutcome> {
  const hosts = new Map(policy.hosts.map((host) => [host.name, host]));
  const found = (names: readonly string[]): readonly HostFacts[] => names.flatMap((name) => hosts.get(name) ?? []);
  for (const { place, from, to, allow, deny } of policy.tests)
    for (const [source, host] of pairs(found(from), found(to))) {
      const target = { host, network: undefined };
      for (const service of allow) yield { place, ...outcome(policy, source, target, service, "allow") };
      for (const service of deny) yield { place, ...outcome(policy, source, target, service, "deny") };
    }
}

/** Whether who is to keep access to every host has it. */
export function* runKeep(policy: Policy): Generator<TestOutcome> {
  const { keep, hosts } = policy;
  if (!keep) return;
  const sources = hosts.filter(({ name }) => keep.from.includes(name));
  for (const [source, host] of pairs(sources, hosts))
    for (const service of keep.allow)
      yield { place: keep.place, ...outcome(policy, source, { host, network: undefined }, service, "allow") };
}

/** A host's packets to itself meet no rule. */
function pairs(from: readonly HostFacts[], to: readonly HostFacts[]): readonly (readonly [HostFacts, HostFacts])[] {
  return from.flatMap((source) => to.flatMap((host) => (source.name === host.name ? [] : [[source, host] as const])));
}

function outcome(
  policy: Policy,
  from: HostFacts,
  to: Target,
  { name, services }: NamedService,
  wanted: "allow" | "deny",
): Omit<TestOutcome, "place"> {
  const asked = setOf(services);
  const allowed = common(asked, accessOf(policy, from, to));
  const missing = without(asked, allowed);
  const holds = wanted === "allow" ? isEmpty(missing) : isEmpty(allowed);
  const why = holds
    ? undefined
    : wanted === "allow"
      ? whyNot(policy, from, to, services, setText(missing))
      : whoAllows(policy, from, to, services);
  return { from: from.name, to: to.host.name, service: name, wanted, holds, why };
}

function whoAllows(policy: Policy, from: HostFacts, to: Target, services: NamedService["services"]): string {
  const rule = rulesBetween(policy, from, to).find(({ allow }) => overlaps(allow, services));
  return `${rule?.place ?? "a rule"} allows it`;
}

/** The rule that comes closest: to the same host and the same service, for somebody else. */
function whyNot(
  policy: Policy,
  from: HostFacts,
  to: Target,
  services: NamedService["services"],
  missing: string,
): string {
  const near = policy.rules.filter(({ allow }) => overlaps(allow, services));
  const audited = near.find(
    (rule) =>
      rule.mode === "audit" &&
      rule.from.some((party) => isFrom(party, from)) &&
      rule.to.some((party) => isTo(party, to)),
  );
  if (audited) return `only ${audited.place} allows it, which is merely audited`;
  const there = near.find((rule) => rule.to.some((party) => isTo(party, to)));
  if (there) return `no rule allows ${missing}; ${there.place} allows it to ${there.from.map(partyText).join(", ")}`;
  const elsewhere = near.find((rule) => rule.from.some((party) => isFrom(party, from)));
  return elsewhere
    ? `no rule allows ${missing}; ${elsewhere.place} allows it on ${elsewhere.to.map(partyText).join(", ")}`
    : `no rule allows ${missing}`;
}

function overlaps(allow: AccessRule["allow"], services: AccessRule["allow"]): boolean {
  return !isEmpty(common(setOf(allow), setOf(services)));
}
