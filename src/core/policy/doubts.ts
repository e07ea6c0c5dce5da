import type { Findings } from "../config/document/findings.ts";
import { contains } from "../netip/prefix.ts";
import { isFrom } from "./access.ts";
import type { AccessRule, Party, Policy } from "./policy.ts";
import { isEmpty, setOf, setText, without } from "./service-set.ts";
import { partyText } from "./words.ts";

/** Rules of which each is compared with each. */
const COMPARED_MAX = 500;

/** Warns of rules that say less than they seem to, or more. */
export function doubtPolicy(policy: Policy, findings: Findings): void {
  const { rules, hosts } = policy;
  for (const [at, rule] of rules.entries()) {
    const warn = (what: string, todo: string): void => {
      findings.warn({ code: "CONFIG_RULE", place: placeOf(rule), path: `rules[${at}]`, what, todo });
    };
    if (isForEverything(rule))
      warn("lets everybody reach everything", "remove it once the rules that are meant are there");
    if (hosts.length > 0)
      for (const party of [...rule.from, ...rule.to])
        if (party.kind === "groups" && !hosts.some((host) => isFrom(party, host)))
          warn(`no host below hosts: is in ${partyText(party)}`, "name one, or leave it if such hosts are to come");
    const by = rules.length <= COMPARED_MAX ? rules.find((other, i) => covers(other, i, rule, at)) : undefined;
    if (by) warn(`says nothing new: ${by.place} allows all of that`, "remove it, or narrow the other one");
  }
}

function placeOf({ place }: AccessRule): { file: string; line: number; column: number } {
  const colon = place.lastIndexOf(":");
  return { file: place.slice(0, colon), line: Number(place.slice(colon + 1)), column: 1 };
}

function isForEverything({ from, to, allow }: AccessRule): boolean {
  const isAny = ({ kind }: Party): boolean => kind === "any";
  return from.some(isAny) && to.some(isAny) && setText(setOf(allow)) === "everything";
}

/** Of two that say the same, the first stays. */
function covers(other: AccessRule, otherAt: number, rule: AccessRule, at: number): boolean {
  return other !== rule && isWider(other, rule) && !(otherAt > at && isWider(rule, other));
}

function isWider(other: AccessRule, rule: AccessRule): boolean {
  return (
    (other.mode === "enforce" || rule.mode === "audit") &&
    rule.from.every((party) => other.from.some((wider) => includes(wider, party))) &&
    rule.to.every((party) => other.to.some((wider) => includes(wider, party))) &&
    isEmpty(without(setOf(rule.allow), setOf(other.allow)))
  );
}

/** Whether whoever the second means is meant by the first. Any is who has a certificate; what lies behind a host is meant by addresses only. */
function includes(wider: Party, party: Party): boolean {
  switch (wider.kind) {
    case "any":
      return party.kind !== "network";
    case "groups":
      return party.kind === "groups" && wider.groups.every((group) => party.groups.includes(group));
    case "host":
      return party.kind === "host" && party.name === wider.name;
    case "network":
      return (
        party.kind === "network" &&
        wider.prefix.bits <= party.prefix.bits &&
        contains(wider.prefix, party.prefix.address)
      );
  }
}
