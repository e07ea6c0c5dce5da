import type { Certificate } from "../cert/certificate.ts";
import type { Direction } from "../dataplane/contract.ts";
import type { Ruleset } from "./rule.ts";
import { type CaOf, meansCa, meansEverybody, meansGroups, meansHost, peerFacts } from "./ruleset.ts";

/** Whether there is no rule in this direction that could ever allow anything with this peer. A rule with a CIDR means whoever has such an address. */
export function isSilentFor<Peer extends Certificate>(
  rules: Ruleset,
  direction: Direction,
  peer: Peer,
  caOf: CaOf<Peer>,
): boolean {
  const facts = peerFacts(peer, caOf);
  return !rules[direction].some(
    (rule) =>
      meansCa(rule, facts) &&
      (meansEverybody(rule) || meansHost(rule, facts) || meansGroups(rule, facts) || rule.cidr !== undefined),
  );
}
