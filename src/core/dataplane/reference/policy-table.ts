import { formatPrefix } from "../../netip/prefix.ts";
import { PORT_MAX } from "../../netip/service.ts";
import type { Direction, IdentifiedProgram, PolicyId, PolicyProgram, PolicyRule, RuleCounter } from "../contract.ts";
import { bad, type Refusal } from "./refusal.ts";

/** Programs at once. Certificates with the same rights share one, so this is 4,096 kinds of peers. */
const POLICIES_MAX = 4096;
/** Rules of all programs together. */
const RULES_MAX = 262_144;
/** Counters in one sample. */
const COUNTERS_TOLD_MAX = 8192;

/** Policy programs by id, and which of their rules have allowed how many flows. */
export class PolicyTable {
  #programs: ReadonlyMap<PolicyId, CountedProgram> = new Map();

  get(policyId: PolicyId): PolicyProgram | undefined {
    return this.#programs.get(policyId)?.program;
  }

  has(policyId: PolicyId): boolean {
    return this.#programs.has(policyId);
  }

  /** Adds programs and forgets those that are neither in `kept` nor among them. False, with nothing changed, when they are too many. */
  apply(programs: readonly IdentifiedProgram[], kept: ReadonlySet<PolicyId> | "all"): boolean {
    const next = new Map([...this.#programs].filter(([policyId]) => kept === "all" || kept.has(policyId)));
    for (const [policyId, program] of joined(programs)) {
      const known = this.#programs.get(policyId);
      next.set(policyId, known && isSame(known.program, program) ? known : new CountedProgram(policyId, program));
    }
    let rules = 0;
    for (const { program } of next.values()) rules += program.inbound.length + program.outbound.length;
    if (next.size > POLICIES_MAX || rules > RULES_MAX) return false;
    this.#programs = next;
    return true;
  }

  /** A rule of this program has let a flow begin. */
  count({ policyId, direction, ruleId }: Omit<RuleCounter, "flows">): void {
    this.#programs.get(policyId)?.count(direction, ruleId);
  }

  /** Counters that have changed since they were told last, a frame full: by policy id, inbound first, then by rule id. */
  takeCounters(): readonly RuleCounter[] {
    const taken: RuleCounter[] = [];
    for (const program of [...this.#programs.values()].sort((a, b) => a.policyId - b.policyId))
      taken.push(...program.takeCounters(COUNTERS_TOLD_MAX - taken.length));
    return taken;
  }
}

/** One program, with what its rules have allowed since it was applied. */
class CountedProgram {
  readonly policyId: PolicyId;
  readonly program: PolicyProgram;
  readonly #flows = { inbound: new Map<number, number>(), outbound: new Map<number, number>() };
  readonly #changed = { inbound: new Set<number>(), outbound: new Set<number>() };

  constructor(policyId: PolicyId, program: PolicyProgram) {
    this.policyId = policyId;
    this.program = program;
  }

  count(direction: Direction, ruleId: number): void {
    this.#flows[direction].set(ruleId, (this.#flows[direction].get(ruleId) ?? 0) + 1);
    this.#changed[direction].add(ruleId);
  }

  takeCounters(limit: number): readonly RuleCounter[] {
    const taken: RuleCounter[] = [];
    for (const direction of ["inbound", "outbound"] as const) {
      const changed = [...this.#changed[direction]].sort((a, b) => a - b).slice(0, limit - taken.length);
      for (const ruleId of changed) {
        this.#changed[direction].delete(ruleId);
        const flows = BigInt(this.#flows[direction].get(ruleId) ?? 0);
        taken.push({ policyId: this.policyId, direction, ruleId, flows });
      }
    }
    return taken;
  }
}

/** Several programs of one id are pieces of one; the last says how it refuses. */
function joined(programs: readonly IdentifiedProgram[]): ReadonlyMap<PolicyId, PolicyProgram> {
  const whole = new Map<PolicyId, PolicyProgram>();
  for (const { policyId, inbound, outbound, refuse } of programs) {
    const before = whole.get(policyId);
    whole.set(policyId, {
      inbound: before ? [...before.inbound, ...inbound] : inbound,
      outbound: before ? [...before.outbound, ...outbound] : outbound,
      refuse,
    });
  }
  return whole;
}

function isSame(a: PolicyProgram, b: PolicyProgram): boolean {
  const sameRules = (direction: Direction): boolean =>
    a[direction].length === b[direction].length &&
    a[direction].every((rule, i) => textOf(rule) === textOf(b[direction][i]));
  return sameRules("inbound") && sameRules("outbound") && JSON.stringify(a.refuse) === JSON.stringify(b.refuse);
}

function textOf(rule: PolicyRule | undefined): string {
  if (!rule) return "";
  const { ruleId, protocol, portFirst, portLast, remote, local, icmpTypes = [], fragment = false } = rule;
  const places = [...remote.map(formatPrefix), "|", ...local.map(formatPrefix)];
  return [ruleId, protocol, portFirst, portLast, ...places, "|", ...icmpTypes, fragment].join();
}

/** Why these programs cannot be meant, as code and sentence. */
export function refusalOfPrograms(programs: readonly IdentifiedProgram[]): Refusal | undefined {
  let rules = 0;
  for (const { inbound, outbound, refuse } of programs) {
    rules += inbound.length + outbound.length;
    if (![...inbound, ...outbound].every(hasSoundPorts)) return bad("a rule's port range is none");
    if (refuse.inbound === "reject") return { code: "unsupported", error: `refuse_inbound: ${NO_REJECT}` };
    if (refuse.outbound === "reject") return { code: "unsupported", error: `refuse_outbound: ${NO_REJECT}` };
  }
  for (const { inbound, outbound } of programs)
    for (const { icmpTypes } of [...inbound, ...outbound])
      if (icmpTypes) return { code: "unsupported", error: "icmp_types: ICMP types are not told apart yet" };
  return rules > RULES_MAX ? bad("there are too many rules") : undefined;
}

const NO_REJECT = "packets are dropped, not rejected yet";

function hasSoundPorts({ portFirst, portLast }: PolicyRule): boolean {
  return 0 <= portFirst && portFirst <= portLast && portLast <= PORT_MAX;
}
