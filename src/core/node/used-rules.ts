import type { Direction } from "../dataplane/contract.ts";
import type { RuleTally } from "../firewall/rule-hits.ts";
import { ruleText } from "../firewall/rule-text.ts";
import type { Facts } from "../machine/facts.ts";
import type { Policies } from "../machine/policies/policies.ts";

/** A rule of the configuration, and what it has allowed since the last reload. */
export interface UsedRule extends RuleTally {
  readonly direction: Direction;
  /** "config.yml:18" */
  readonly place: string;
  /** In one line. */
  readonly text: string;
}

/** All rules, inbound first, in the order of the configuration. */
export function usedRulesOf(facts: Facts, policies: Policies): readonly UsedRule[] {
  const { firewall } = facts.settings.live;
  return (["inbound", "outbound"] as const).flatMap((direction) =>
    firewall[direction].map((rule) => {
      const hits = policies.hitsOf(direction, rule.ruleId);
      return { direction, place: rule.place, text: ruleText(rule), ...hits };
    }),
  );
}
