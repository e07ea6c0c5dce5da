import { ICMP_MESSAGE_MAX } from "../../netip/icmp-message.ts";
import { formatPrefix } from "../../netip/prefix.ts";
import { PORT_MAX } from "../../netip/service.ts";
import type { Direction, IdentifiedProgram, PolicyId, PolicyProgram, PolicyRule, RuleCounter } from "../contract.ts";
import { CountedProgram } from "./counted-program.ts";
import { bad, type Refusal } from "./refusal.ts";

/** Programs at once. Certificates with the same rights share one, so this is 4,096 kinds of peers. */
const POLICIES_MAX = 4096;
/** Messages that one rule names. */
const ICMP_TYPES_MAX = 64;
/** Rules of all programs together. */
const RULES_MAX = 262_144;
/** Counters in one sample. */
const COUNTERS_TOLD_MAX = 8192;

/** Policy programs by id, and which of their rules have allowed how many flows. */
export class PolicyTable {
  #programs: ReadonlyMap<PolicyId, CountedProgram> = new Map();

  /** The program of this id; without one, nothing is allowed. */
  get(policyId: PolicyId): CountedProgram {
    return this.#programs.get(policyId) ?? new CountedProgram(policyId, NOTHING_ALLOWED);
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

  /** Counters that have changed since they were told last, a frame full: by policy id, inbound first, then by rule id. */
  takeCounters(): readonly RuleCounter[] {
    const taken: RuleCounter[] = [];
    for (const program of [...this.#programs.values()].sort((a, b) => a.policyId - b.policyId))
      taken.push(...program.takeCounters(COUNTERS_TOLD_MAX - taken.length));
    return taken;
  }
}

const NOTHING_ALLOWED: PolicyProgram = { inbound: [], outbound: [], refuse: { inbound: "drop", outbound: "drop" } };

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
  for (const { inbound, outbound } of programs) {
    rules += inbound.length + outbound.length;
    for (const rule of [...inbound, ...outbound]) {
      if (!hasSoundPorts(rule)) return bad("a rule's port range is none");
      if (!hasSoundTypes(rule)) return bad("a rule's ICMP types are none");
    }
  }
  return rules > RULES_MAX ? bad("there are too many rules") : undefined;
}

function hasSoundPorts({ portFirst, portLast }: PolicyRule): boolean {
  return 0 <= portFirst && portFirst <= portLast && portLast <= PORT_MAX;
}

/** Only ICMP has types. */
function hasSoundTypes({ protocol, icmpTypes = [] }: PolicyRule): boolean {
  if (icmpTypes.length === 0) return true;
  return (
    protocol === "icmp" && icmpTypes.length <= ICMP_TYPES_MAX && icmpTypes.every((type) => type <= ICMP_MESSAGE_MAX)
  );
}
