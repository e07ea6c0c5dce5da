import type { Rule } from "../../../firewall/rule.ts";
import { formatPrefix, masked, type Prefix } from "../../../netip/prefix.ts";
import { formatPlace } from "../../document/document.ts";
import type { Findings } from "../../document/findings.ts";
import type { ParsedRule } from "./parse-rules.ts";

/** Warns of rules that let nobody through whom another rule does not let through already: one of both is not what was meant. */
export function warnOfCovered(rules: readonly ParsedRule[], findings: Findings): void {
  const index = new WideRules(rules);
  for (const parsed of rules) {
    if (findings.fullOfWarnings) return;
    const by = index.covering(parsed);
    if (!by) continue;
    const { node, path } = parsed;
    const what = `says nothing new: the rule at ${formatPlace(by.node.place)} lets all of that through`;
    findings.warn({ code: "CONFIG_RULE", place: node.place, path, what, todo: "remove it, or narrow the other one" });
  }
}

/**
 * Rules by whom they mean, each kind sorted by its first port, so that ten thousand of them are looked at in a moment. Not every covered rule is
 * found: one that only several others cover together is not.
 */
class WideRules {
  readonly #ranges = new Map<string, Map<string, Range[]>>();
  readonly #cidrBits = new Set<number>();

  constructor(rules: readonly ParsedRule[]) {
    for (const parsed of rules) {
      const { rule } = parsed;
      if (rule.cidr !== undefined && rule.cidr !== "any") this.#cidrBits.add(rule.cidr.bits);
      const who = whoOf(rule);
      if (who === undefined) continue;
      const ofThese = this.#ranges.get(who) ?? new Map<string, Range[]>();
      this.#ranges.set(who, ofThese);
      const key = keyOf(caOf(rule), localOf(rule), serviceOf(rule));
      const list = ofThese.get(key) ?? [];
      ofThese.set(key, list);
      list.push({ first: rule.portFirst, last: rule.portLast, widest: parsed });
    }
    for (const lists of this.#ranges.values()) for (const list of lists.values()) sortWidest(list);
  }

  /** The rule that covers this one; of two that are the same the first in the file stays. */
  covering(parsed: ParsedRule): ParsedRule | undefined {
    const { rule } = parsed;
    if (whoOf(rule) === undefined) return undefined;
    for (const who of this.#wider(rule)) {
      const ofThese = this.#ranges.get(who);
      const by = ofThese && coveringAmong(ofThese, parsed);
      if (by) return by;
    }
    return undefined;
  }

  /** Whoever this rule means and more: everybody, those in one of its groups, those in a shorter prefix. */
  #wider(rule: Rule): readonly string[] {
    const { groups, cidr } = rule;
    const prefix = cidr === "any" ? undefined : cidr;
    const shorter = prefix ? [...this.#cidrBits].filter((bits) => bits < prefix.bits) : [];
    return [
      "everybody",
      ...groups.map((group) => groupsText([group])),
      ...shorter.map((bits) => cidrText({ address: prefix?.address ?? ("" as Prefix["address"]), bits })),
      whoOf(rule) ?? "",
    ];
  }
}

function coveringAmong(lists: ReadonlyMap<string, readonly Range[]>, parsed: ParsedRule): ParsedRule | undefined {
  const { rule } = parsed;
  for (const ca of new Set(["", caOf(rule)]))
    for (const local of new Set(["any", localOf(rule)]))
      for (const service of widerServices(rule)) {
        const list = lists.get(keyOf(ca, local, service));
        const by = list && widestBefore(list, rule, parsed);
        if (by) return by;
      }
  return undefined;
}

/** A range of ports; and of those that begin before it or with it, the one that ends last. */
interface Range {
  readonly first: number;
  last: number;
  widest: ParsedRule;
}

function sortWidest(list: Range[]): void {
  list.sort((a, b) => a.first - b.first || b.last - a.last || a.widest.rule.ruleId - b.widest.rule.ruleId);
  let before: Range | undefined;
  for (const range of list) {
    if (before && before.last >= range.last) {
      range.last = before.last;
      range.widest = before.widest;
    }
    before = range;
  }
}

function widestBefore(list: readonly Range[], { portFirst, portLast }: Rule, not: ParsedRule): ParsedRule | undefined {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle]?.first ?? 0) <= portFirst) low = middle + 1;
    else high = middle;
  }
  const range = list[low - 1];
  return range && range.last >= portLast && range.widest !== not ? range.widest : undefined;
}

function keyOf(ca: string, local: string, service: string): string {
  return `${ca} ${local} ${service}`;
}

/** What a rule says about packets, apart from their ports. */
function serviceOf({ protocol, fragment, icmpTypes }: Pick<Rule, "protocol" | "fragment" | "icmpTypes">): string {
  return `${protocol} ${fragment} ${icmpTypes.join()}`;
}

/** A rule for every protocol covers one about ICMP, and one about all messages those about some. */
function widerServices(rule: Rule): readonly string[] {
  const whole = { fragment: false, icmpTypes: [] };
  const everything = serviceOf({ protocol: "any", ...whole });
  return [
    everything,
    ...(rule.protocol === "icmp" ? [serviceOf({ protocol: "icmp", ...whole })] : []),
    serviceOf(rule),
  ];
}

/** Undefined for a rule with alternatives: whoever fits one of them is meant. */
function whoOf({ host, groups, cidr }: Rule): string | undefined {
  if (host === "any" || groups.includes("any") || cidr === "any") return "everybody";
  const given = [host !== undefined, groups.length > 0, cidr !== undefined].filter(Boolean).length;
  if (given === 0) return "everybody";
  if (given > 1) return undefined;
  if (host !== undefined) return `host ${host}`;
  return cidr === undefined ? groupsText(groups) : cidrText(cidr as Prefix);
}

function groupsText(groups: readonly string[]): string {
  return `groups ${JSON.stringify([...new Set(groups)].sort())}`;
}

function cidrText(prefix: Prefix): string {
  return `cidr ${formatPrefix(masked(prefix))}`;
}

function caOf({ caName, caSha }: Rule): string {
  return caName === undefined && caSha === undefined ? "" : JSON.stringify([caName, caSha]);
}

function localOf({ localCidr }: Rule): string {
  if (localCidr === undefined) return "default";
  return localCidr === "any" ? "any" : formatPrefix(masked(localCidr));
}
