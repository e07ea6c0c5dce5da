import type { Direction, PolicyId, PolicyProgram, RefusalAction, RuleCounter } from "../contract.ts";
import { matchingRule, type PolicySubject } from "./policy-eval.ts";

/** One program, with what its rules have allowed since it was applied. */
export class CountedProgram {
  readonly policyId: PolicyId;
  readonly program: PolicyProgram;
  readonly #allowances = { inbound: new Map<number, Allowance>(), outbound: new Map<number, Allowance>() };

  constructor(policyId: PolicyId, program: PolicyProgram) {
    this.policyId = policyId;
    this.program = program;
  }

  /** What allows a packet that opens, or has opened, a flow in this direction; undefined when nothing does. */
  allowanceOf(direction: Direction, packet: PolicySubject): Allowance | undefined {
    const rule = matchingRule(this.program, direction, packet);
    if (!rule) return undefined;
    const { ruleId } = rule;
    const known = this.#allowances[direction].get(ruleId);
    if (known) return known;
    const allowance = { policyId: this.policyId, ruleId, tally: new RuleTally() };
    this.#allowances[direction].set(ruleId, allowance);
    return allowance;
  }

  /** How it refuses what it does not allow. */
  refusalOf(direction: Direction): RefusalAction {
    return this.program.refuse[direction];
  }

  /** At most so many counters that have changed since they were told of: inbound first, then by rule id. */
  takeCounters(limit: number): readonly RuleCounter[] {
    const { policyId } = this;
    const taken: RuleCounter[] = [];
    for (const direction of ["inbound", "outbound"] as const) {
      const news = [...this.#allowances[direction].values()].filter(({ tally }) => tally.hasNews);
      news.sort((a, b) => a.ruleId - b.ruleId);
      for (const { ruleId, tally } of news.slice(0, limit - taken.length))
        taken.push({ policyId, direction, ruleId, ...tally.tell() });
    }
    return taken;
  }
}

/** The rule that allows something, and where that is counted. */
export interface Allowance {
  readonly policyId: PolicyId;
  readonly ruleId: number;
  readonly tally: RuleTally;
}

/** What the rules of one id have allowed. */
export class RuleTally {
  #flows = 0;
  #packets = 0;
  #bytes = 0;
  #hasNews = false;

  get hasNews(): boolean {
    return this.#hasNews;
  }

  opened(): void {
    this.#flows++;
    this.#hasNews = true;
  }

  passed(bytes: number): void {
    this.#packets++;
    this.#bytes += bytes;
    this.#hasNews = true;
  }

  tell(): Pick<RuleCounter, "flows" | "packets" | "bytes"> {
    this.#hasNews = false;
    return { flows: BigInt(this.#flows), packets: BigInt(this.#packets), bytes: BigInt(this.#bytes) };
  }
}
