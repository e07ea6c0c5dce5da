import type { Direction, PolicyId, RuleCounter } from "../dataplane/contract.ts";

/** What a rule has let through: flows that it opened, and inner packets and bytes of theirs. */
export type RuleTally = Pick<RuleCounter, "flows" | "packets" | "bytes">;

const NOTHING: RuleTally = { flows: 0n, packets: 0n, bytes: 0n };

/**
 * What each rule of the configuration has let through since it applies, over all programs that it is part of. The data plane counts for each
 * program; one that stays the same over a reload goes on counting there, and begins anew here.
 */
export class RuleHits {
  /** As the data plane told last, by program, direction and rule. Bounded as its programs are. */
  #told = new Map<PolicyId, Map<string, RuleTally>>();
  #totals: Record<Direction, Map<number, RuleTally>> = noTotals();

  count({ policyId, direction, ruleId, ...now }: RuleCounter): void {
    const told = this.#told.get(policyId) ?? new Map<string, RuleTally>();
    this.#told.set(policyId, told);
    const key = `${direction} ${ruleId}`;
    const before = told.get(key) ?? NOTHING;
    told.set(key, now);
    // Fewer flows than before: the data plane has begun at nothing.
    const known = now.flows < before.flows ? NOTHING : before;
    const total = this.of(direction, ruleId);
    this.#totals[direction].set(ruleId, {
      flows: total.flows + now.flows - known.flows,
      packets: total.packets + now.packets - known.packets,
      bytes: total.bytes + now.bytes - known.bytes,
    });
  }

  of(direction: Direction, ruleId: number): RuleTally {
    return this.#totals[direction].get(ruleId) ?? NOTHING;
  }

  /** Other rules, or the same ones read again. */
  beginAnew(): void {
    this.#totals = noTotals();
  }

  /** These programs are left; the data plane counts no others. */
  retain(policies: ReadonlySet<PolicyId>): void {
    for (const policyId of this.#told.keys()) if (!policies.has(policyId)) this.#told.delete(policyId);
  }
}

function noTotals(): Record<Direction, Map<number, RuleTally>> {
  return { inbound: new Map(), outbound: new Map() };
}
