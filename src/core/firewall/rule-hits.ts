import type { Direction, PolicyId, RuleCounter } from "../dataplane/contract.ts";

/**
 * What each rule of the configuration has let through since it applies, over all programs that it is part of. The data plane counts for each
 * program; one that stays the same over a reload goes on counting there, and begins anew here.
 */
export class RuleHits {
  /** As the data plane told last, by program, direction and rule. Bounded as its programs are. */
  #told = new Map<PolicyId, Map<string, bigint>>();
  #flows: Record<Direction, Map<number, bigint>> = noFlows();

  count({ policyId, direction, ruleId, flows }: RuleCounter): void {
    const told = this.#told.get(policyId) ?? new Map<string, bigint>();
    this.#told.set(policyId, told);
    const key = `${direction} ${ruleId}`;
    const before = told.get(key) ?? 0n;
    told.set(key, flows);
    const totals = this.#flows[direction];
    totals.set(ruleId, (totals.get(ruleId) ?? 0n) + (flows < before ? flows : flows - before));
  }

  flowsOf(direction: Direction, ruleId: number): bigint {
    return this.#flows[direction].get(ruleId) ?? 0n;
  }

  /** Other rules, or the same ones read again. */
  beginAnew(): void {
    this.#flows = noFlows();
  }

  /** These programs are left; the data plane counts no others. */
  retain(policies: ReadonlySet<PolicyId>): void {
    for (const policyId of this.#told.keys()) if (!policies.has(policyId)) this.#told.delete(policyId);
  }
}

function noFlows(): Record<Direction, Map<number, bigint>> {
  return { inbound: new Map(), outbound: new Map() };
}
