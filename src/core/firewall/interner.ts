import type { PolicyId, PolicyProgram, PolicyRule } from "../dataplane/contract.ts";
import { formatPrefix } from "../netip/prefix.ts";

/**
 * Names for policy programs: equal programs share one, so that a thousand peers of five classes are five programs. Counts users, so that a
 * program nobody uses any more is forgotten; its id is not given to another one.
 */
export class PolicyInterner {
  readonly #byText = new Map<string, Interned>();
  readonly #byId = new Map<PolicyId, Interned>();
  #lastId = 0;

  get size(): number {
    return this.#byId.size;
  }

  /** The program's id, for one more user. `isNew`: nobody used this program until now. */
  idOf(program: PolicyProgram): { readonly policyId: PolicyId; readonly isNew: boolean } {
    const text = textOf(program);
    const known = this.#byText.get(text);
    if (known) {
      known.users++;
      return { policyId: known.policyId, isNew: false };
    }
    const interned = { policyId: this.#freeId(), text, users: 1 };
    this.#byText.set(text, interned);
    this.#byId.set(interned.policyId, interned);
    return { policyId: interned.policyId, isNew: true };
  }

  /** One user less. Unknown ids are ignored. */
  release(policyId: PolicyId): void {
    const interned = this.#byId.get(policyId);
    if (!interned || --interned.users > 0) return;
    this.#byText.delete(interned.text);
    this.#byId.delete(policyId);
  }

  #freeId(): PolicyId {
    do this.#lastId = (this.#lastId % ID_MAX) + 1;
    while (this.#byId.has(this.#lastId as PolicyId));
    return this.#lastId as PolicyId;
  }
}

interface Interned {
  readonly policyId: PolicyId;
  readonly text: string;
  users: number;
}

const ID_MAX = 0xffff_ffff;

/** Equal exactly for equal programs, rule ids included: they are what an explanation points to. */
function textOf({ inbound, outbound, refuse }: PolicyProgram): string {
  return `${[inbound, outbound].map(textOfRules).join("|")}|${refuse.inbound} ${refuse.outbound}`;
}

function textOfRules(rules: readonly PolicyRule[]): string {
  return rules.map(textOfRule).join(";");
}

function textOfRule({ ruleId, protocol, portFirst, portLast, remote, local }: PolicyRule): string {
  const prefixes = [remote, local].map((each) => each.map(formatPrefix).join(","));
  return `${ruleId} ${protocol} ${portFirst}-${portLast} ${prefixes.join(" to ")}`;
}
