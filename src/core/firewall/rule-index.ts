import { debugGroupOf } from "../cert/debug-group.ts";
import type { Direction, PolicyRule } from "../dataplane/contract.ts";
import { masked, type Prefix } from "../netip/prefix.ts";
import type { Rule, Ruleset } from "./rule.ts";
import { localOf, meansCa, meansEverybody, meansGroups, meansGuest, type PeerFacts } from "./ruleset.ts";

/** The rules that mean the same peers, by their places in the lists. */
export interface Selector {
  readonly id: number;
  readonly meansEverybody: boolean;
  readonly groups: readonly string[];
  readonly inbound: number[];
  readonly outbound: number[];
}

/** The rules of one direction, reduced: for peers that they mean wherever they are, and for those whose address they ask about. */
export interface ReducedRules {
  readonly wide: PolicyRule[];
  readonly narrow: PolicyRule[];
}

/** The selectors with one condition about the CA. */
interface Condition {
  readonly id: number;
  readonly rule: Pick<Rule, "caSha" | "caName">;
  /** They mean every peer of such a CA, if only at some addresses. */
  readonly always: Selector[];
  readonly byHost: Map<string, Selector[]>;
  /** Each under the rarest of its groups. */
  readonly byGroup: Map<string, Selector[]>;
  /** Those that name the group of a guest. */
  readonly byGuest: Map<string, Selector[]>;
}

/** What of the rules means a peer: every selector of these conditions, and these by its name or groups. */
export interface Meaning {
  readonly always: readonly Condition[];
  readonly named: readonly Selector[];
}

const ANYWHERE: readonly Prefix[] = [];

/** The rules by whom they mean, so that those that mean a certificate are found without a look at the others. */
export class RuleIndex {
  readonly reduced: Readonly<Record<Direction, ReducedRules>> = {
    inbound: { wide: [], narrow: [] },
    outbound: { wide: [], narrow: [] },
  };
  readonly #rules: Ruleset;
  readonly #conditions = new Map<string, Condition>();
  readonly #selectors = new Map<string, Selector>();
  readonly #groupUses = new Map<string, number>();
  readonly #anyCa: Condition[] = [];
  readonly #byCaSha = new Map<string, Condition[]>();
  readonly #byCaName = new Map<string, Condition[]>();

  private constructor(rules: Ruleset) {
    this.#rules = rules;
    for (const list of [rules.inbound, rules.outbound])
      for (const { groups } of list)
        for (const group of groups) this.#groupUses.set(group, (this.#groupUses.get(group) ?? 0) + 1);
  }

  static of(rules: Ruleset): RuleIndex {
    const building = RuleIndex.building(rules, Number.POSITIVE_INFINITY);
    for (;;) {
      const step = building.next();
      if (step.done) return step.value;
    }
  }

  /** The same in steps of so many rules, so that other things can happen in between. */
  static *building(rules: Ruleset, rulesPerStep: number): Generator<void, RuleIndex> {
    const index = new RuleIndex(rules);
    let done = 0;
    for (const direction of ["inbound", "outbound"] as const)
      for (const [at, rule] of rules[direction].entries()) {
        index.#add(direction, at, rule);
        if (++done % rulesPerStep === 0) yield;
      }
    return index;
  }

  meaning(peer: PeerFacts): Meaning {
    const conditions = new Set(this.#anyCa);
    for (const condition of this.#byCaSha.get(peer.issuer) ?? []) conditions.add(condition);
    const { caName } = peer;
    for (const condition of (caName !== undefined && this.#byCaName.get(caName)) || []) conditions.add(condition);
    const always: Condition[] = [];
    const named = new Set<Selector>();
    for (const condition of conditions) {
      if (!meansCa(condition.rule, peer)) continue;
      if (peer.debugGroup !== undefined) {
        for (const selector of condition.byGuest.get(peer.debugGroup) ?? [])
          if (meansGuest(selector, peer)) named.add(selector);
        continue;
      }
      if (condition.always.length > 0) always.push(condition);
      for (const selector of condition.byHost.get(peer.name) ?? []) named.add(selector);
      for (const group of peer.groups)
        for (const selector of condition.byGroup.get(group) ?? []) if (meansGroups(selector, peer)) named.add(selector);
    }
    return { always: always.sort(byId), named: [...named].sort(byId) };
  }

  #add(direction: Direction, at: number, rule: Rule): void {
    const { ruleId, protocol, portFirst, portLast, fragment, icmpTypes, cidr } = rule;
    const wide: PolicyRule = {
      ruleId,
      protocol,
      portFirst,
      portLast,
      remote: ANYWHERE,
      local: localOf(rule, this.#rules),
      ...(icmpTypes.length > 0 && { icmpTypes }),
      ...(fragment && { fragment }),
    };
    const narrow = cidr === undefined || cidr === "any" ? wide : { ...wide, remote: [masked(cidr)] };
    this.reduced[direction].wide.push(wide);
    this.reduced[direction].narrow.push(narrow);
    this.#selectorOf(rule)[direction].push(at);
  }

  #selectorOf(rule: Rule): Selector {
    const { host, groups, cidr } = rule;
    const everybody = meansEverybody(rule);
    const condition = this.#conditionOf(rule);
    const asksAddress = cidr !== undefined;
    // The prefix itself is the rule's own affair; what counts is that peers which are not meant by name are meant at some addresses.
    const key = `${condition.id} ${everybody ? "everybody" : `${asksAddress} ${whoOf(host, groups)}`}`;
    const known = this.#selectors.get(key);
    if (known) return known;
    const id = this.#selectors.size;
    const selector: Selector = { id, meansEverybody: everybody, groups, inbound: [], outbound: [] };
    this.#selectors.set(key, selector);
    if (everybody || asksAddress) condition.always.push(selector);
    if (everybody) return selector;
    if (host !== undefined) push(condition.byHost, host, selector);
    const rarest = this.#rarest(groups);
    if (rarest !== undefined) push(condition.byGroup, rarest, selector);
    const guest = debugGroupOf(groups);
    if (guest !== undefined) push(condition.byGuest, guest, selector);
    return selector;
  }

  #conditionOf({ caSha, caName }: Rule): Condition {
    const key = caSha === undefined && caName === undefined ? "" : JSON.stringify([caSha ?? null, caName ?? null]);
    const known = this.#conditions.get(key);
    if (known) return known;
    const id = this.#conditions.size;
    const condition = {
      id,
      rule: { caSha, caName },
      always: [],
      byHost: new Map(),
      byGroup: new Map(),
      byGuest: new Map(),
    };
    this.#conditions.set(key, condition);
    if (caSha !== undefined) push(this.#byCaSha, caSha, condition);
    if (caName !== undefined) push(this.#byCaName, caName, condition);
    if (caSha === undefined && caName === undefined) this.#anyCa.push(condition);
    return condition;
  }

  #rarest(groups: readonly string[]): string | undefined {
    const uses = (group: string) => this.#groupUses.get(group) ?? 0;
    const [first, ...others] = groups;
    return first === undefined ? undefined : others.reduce((a, b) => (uses(b) < uses(a) ? b : a), first);
  }
}

/** Equal only for rules that name the same host and the same groups; those in another order are merely looked at once more. */
function whoOf(host: string | undefined, groups: readonly string[]): string {
  if (groups.length === 0) return host === undefined ? "nobody" : `host ${host}`;
  return `groups ${JSON.stringify(host === undefined ? groups : [host, groups])}`;
}

function push<Value>(lists: Map<string, Value[]>, key: string, value: Value): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

function byId(a: { readonly id: number }, b: { readonly id: number }): number {
  return a.id - b.id;
}
