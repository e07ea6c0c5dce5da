import type { Certificate } from "../cert/certificate.ts";
import type { Direction } from "../dataplane/contract.ts";
import type { Rule, Ruleset } from "./rule.ts";
import { type CaOf, meansCa, meansEverybody, meansGroups, meansGuest, meansHost, peerFacts } from "./ruleset.ts";

/** Whether there is no rule in this direction that could ever allow anything with this peer. A rule with a CIDR means whoever has such an address. */
export function isSilentFor<Peer extends Certificate>(
  rules: Ruleset,
  direction: Direction,
  peer: Peer,
  caOf: CaOf<Peer>,
): boolean {
  const facts = peerFacts(peer, caOf);
  const isMeant = (rule: Rule): boolean =>
    facts.debugGroup === undefined
      ? meansEverybody(rule) || meansHost(rule, facts) || meansGroups(rule, facts) || rule.cidr !== undefined
      : !meansEverybody(rule) && meansGuest(rule, facts);
  return !rules[direction].some((rule) => meansCa(rule, facts) && isMeant(rule));
}
