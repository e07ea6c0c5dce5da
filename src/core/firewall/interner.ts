import type { PolicyId, PolicyProgram, PolicyRule } from "../dataplane/contract.ts";
import type { Prefix } from "../netip/prefix.ts";

/**
 * Names for policy programs: equal programs share one, rule ids included - they are what an explanation points to - so that a thousand
 * peers of five classes are five programs. The id of a program that was dropped is not given to another one.
 */
export class PolicyInterner {
  readonly #byDigest = new Map<number, Interned[]>();
  readonly #byId = new Map<PolicyId, Interned>();
  /** Programs that were asked about before, so that whoever keeps one object for a class pays for its size once. */
  #seen = new WeakMap<PolicyProgram, PolicyId>();
  #rules = 0;
  #lastId: number;

  /**
   * Ids follow `before`, any number of 32 bits. A data plane that outlived another control plane may still know its programs: with a beginning by
   * chance none of ours goes by an id of theirs, also while our first `apply-policies` is under way or was refused.
   */
  constructor(before: number) {
    this.#lastId = before;
  }

  /** Programs with a name. */
  get size(): number {
    return this.#byId.size;
  }

  /** Rules of all of them. */
  get rules(): number {
    return this.#rules;
  }

  idOf(program: PolicyProgram): PolicyId {
    const seen = this.#seen.get(program);
    if (seen !== undefined) return seen;
    const digest = digestOf(program);
    const same = this.#byDigest.get(digest)?.find((each) => equalPrograms(each.program, program));
    const policyId = same?.policyId ?? this.#freeId();
    if (same) this.#seen.set(program, policyId);
    else this.#add({ policyId, program, digest });
    return policyId;
  }

  /** Drops all but these. */
  retain(kept: ReadonlySet<PolicyId>): void {
    const interned = [...this.#byId.values()].filter(({ policyId }) => kept.has(policyId));
    this.#byDigest.clear();
    this.#byId.clear();
    this.#seen = new WeakMap();
    this.#rules = 0;
    for (const each of interned) this.#add(each);
  }

  #add(interned: Interned): void {
    const { policyId, program, digest } = interned;
    this.#byId.set(policyId, interned);
    this.#seen.set(program, policyId);
    this.#byDigest.set(digest, [...(this.#byDigest.get(digest) ?? []), interned]);
    this.#rules += sizeOf(program);
  }

  #freeId(): PolicyId {
    do this.#lastId = (this.#lastId % ID_MAX) + 1;
    while (this.#byId.has(this.#lastId as PolicyId));
    return this.#lastId as PolicyId;
  }
}

interface Interned {
  readonly policyId: PolicyId;
  readonly program: PolicyProgram;
  readonly digest: number;
}

const ID_MAX = 0xffff_ffff;

function sizeOf({ inbound, outbound }: PolicyProgram): number {
  return inbound.length + outbound.length;
}

/** Equal for equal programs, and seldom for others: rules are told apart by their ids, and seldom does another one take its id. */
function digestOf({ inbound, outbound }: PolicyProgram): number {
  let digest = mixed(inbound.length, outbound.length);
  for (const { ruleId, remote } of inbound) digest = mixed(digest, 2 * ruleId + remote.length);
  for (const { ruleId, remote } of outbound) digest = mixed(digest, 2 * ruleId + remote.length);
  return digest;
}

/** One step of FNV-1a, of 32 bits. */
function mixed(digest: number, value: number): number {
  return Math.imul(digest ^ value, 0x0100_0193);
}

function equalPrograms(a: PolicyProgram, b: PolicyProgram): boolean {
  if (a.refuse.inbound !== b.refuse.inbound || a.refuse.outbound !== b.refuse.outbound) return false;
  return equalLists(a.inbound, b.inbound, equalRules) && equalLists(a.outbound, b.outbound, equalRules);
}

function equalRules(a: PolicyRule, b: PolicyRule): boolean {
  if (a.ruleId !== b.ruleId || a.protocol !== b.protocol) return false;
  if (a.portFirst !== b.portFirst || a.portLast !== b.portLast) return false;
  if (a.fragment !== b.fragment || !equalLists(a.icmpTypes ?? [], b.icmpTypes ?? [], Object.is)) return false;
  return equalLists(a.remote, b.remote, equalPrefixes) && equalLists(a.local, b.local, equalPrefixes);
}

function equalPrefixes(a: Prefix, b: Prefix): boolean {
  return a.address === b.address && a.bits === b.bits;
}

function equalLists<Each>(a: readonly Each[], b: readonly Each[], equal: (a: Each, b: Each) => boolean): boolean {
  return a.length === b.length && a.every((each, at) => equal(each, b[at] as Each));
}
