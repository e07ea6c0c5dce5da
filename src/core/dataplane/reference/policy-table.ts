import type { IdentifiedProgram, PolicyId, PolicyProgram, PolicyRule } from "../contract.ts";

/** Programs at once. Certificates with the same rights share one, so this is 4,096 kinds of peers. */
const POLICIES_MAX = 4096;
const PORT_MAX = 65_535;

/** Policy programs by id. */
export class PolicyTable {
  #programs: ReadonlyMap<PolicyId, PolicyProgram> = new Map();

  get(policyId: PolicyId): PolicyProgram | undefined {
    return this.#programs.get(policyId);
  }

  has(policyId: PolicyId): boolean {
    return this.#programs.has(policyId);
  }

  /** Adds programs and forgets those that are neither in use nor among them. False, with nothing changed, when they are too many. */
  apply(programs: readonly IdentifiedProgram[], inUse: ReadonlySet<PolicyId>): boolean {
    const kept = new Map([...this.#programs].filter(([policyId]) => inUse.has(policyId)));
    for (const { policyId, inbound, outbound } of programs) kept.set(policyId, { inbound, outbound });
    if (kept.size > POLICIES_MAX) return false;
    this.#programs = kept;
    return true;
  }
}

/** Whether every port range of the program is one. */
export function isSound(program: PolicyProgram): boolean {
  return [...program.inbound, ...program.outbound].every(hasSoundPorts);
}

function hasSoundPorts({ portFirst, portLast }: PolicyRule): boolean {
  return 0 <= portFirst && portFirst <= portLast && portLast <= PORT_MAX;
}
