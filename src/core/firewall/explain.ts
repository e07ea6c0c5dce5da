import type { Certificate } from "../cert/certificate.ts";
import { contains } from "../netip/prefix.ts";
import { hasPort, hasProtocol } from "../netip/service.ts";
import type { Rule } from "./rule.ts";
import {
  type CaOf,
  type Direction,
  meansCa,
  meansEverybody,
  meansGroups,
  meansHost,
  type PacketFacts,
  type PeerFacts,
  peerFacts,
  type Ruleset,
} from "./ruleset.ts";

/** The parts of a rule that all have to match. "peer": host, groups and cidr together, of which one suffices. */
export type RulePart = "protocol" | "port" | "ca" | "peer";

/** Why a packet may pass or not, as data: the runtime makes the sentence. */
export type Explanation =
  | { readonly allowed: true; readonly rule: Rule }
  | {
      readonly allowed: false;
      /** The rule with the fewest parts that did not match, the first of them; undefined when there is no rule at all. */
      readonly closest: { readonly rule: Rule; readonly misses: readonly RulePart[] } | undefined;
    };

/** What to explain: a packet of this peer, or to it, that would open a flow. */
export interface Question<Peer extends Certificate> {
  readonly direction: Direction;
  readonly packet: PacketFacts;
  readonly peer: Peer;
  readonly caOf: CaOf<Peer>;
}

/**
 * Asks the rules themselves, not a compiled program, so that the answer can name what a program no longer knows: the rules that the
 * peer's certificate ruled out.
 */
export function explain<Peer extends Certificate>(rules: Ruleset, question: Question<Peer>): Explanation {
  const { direction, packet } = question;
  const peer = peerFacts(question.peer, question.caOf);
  let closest: { rule: Rule; misses: readonly RulePart[] } | undefined;
  for (const rule of rules[direction]) {
    const misses = missesOf(rule, direction, packet, peer);
    if (misses.length === 0) return { allowed: true, rule };
    if (!closest || misses.length < closest.misses.length) closest = { rule, misses };
  }
  return { allowed: false, closest };
}

function missesOf(rule: Rule, direction: Direction, packet: PacketFacts, peer: PeerFacts): readonly RulePart[] {
  const misses: RulePart[] = [];
  if (!hasProtocol(rule, packet.protocol)) misses.push("protocol");
  if (!hasPort(rule, packet.protocol, direction === "inbound" ? packet.localPort : packet.remotePort))
    misses.push("port");
  if (!meansCa(rule, peer)) misses.push("ca");
  if (!meansPeer(rule, packet, peer)) misses.push("peer");
  return misses;
}

function meansPeer(rule: Rule, { remoteAddress }: PacketFacts, peer: PeerFacts): boolean {
  if (meansEverybody(rule) || meansHost(rule, peer) || meansGroups(rule, peer)) return true;
  return rule.cidr !== undefined && rule.cidr !== "any" && contains(rule.cidr, remoteAddress);
}
