import type { VerifiedCertificate } from "../../cert/certificate.ts";
import { PeerClasses } from "../../firewall/classes.ts";
import type { Ruleset } from "../../firewall/rule.ts";
import { RuleIndex } from "../../firewall/rule-index.ts";
import type { CaOf } from "../../firewall/ruleset.ts";

/** Rules that are indexed, and peers that are looked up, before other things may happen: some 10 ms, cold. */
const RULES_PER_STEP = 2_000;
const PEERS_PER_STEP = 200;

/** Whether rules are so many that they are better prepared in steps. */
export function areMany({ inbound, outbound }: Ruleset): boolean {
  return inbound.length + outbound.length > RULES_PER_STEP;
}

/** The classes of new rules, in steps, with the programs of these peers made: what is asked of them afterwards costs little. */
export function* preparing(
  rules: Ruleset,
  peers: readonly VerifiedCertificate[],
  caOf: CaOf<VerifiedCertificate>,
): Generator<void, PeerClasses> {
  const classes = new PeerClasses(rules, yield* RuleIndex.building(rules, RULES_PER_STEP));
  for (const [at, peer] of peers.entries()) {
    if (at % PEERS_PER_STEP === 0) yield;
    classes.programOf(peer, caOf);
  }
  yield;
  return classes;
}
