import { nearest } from "../base/suggest.ts";
import type { Certificate } from "../cert/certificate.ts";
import type { Direction } from "../dataplane/contract.ts";
import { isIcmp } from "../netip/ip-protocol.ts";
import { contains } from "../netip/prefix.ts";
import { hasPort, hasProtocol } from "../netip/service.ts";
import type { Rule, RulePart, Ruleset } from "./rule.ts";
import {
  type CaOf,
  localOf,
  meansCa,
  meansEverybody,
  meansGroups,
  meansGuest,
  meansHost,
  type PacketFacts,
  type PeerFacts,
  peerFacts,
} from "./ruleset.ts";

/** Why a packet may pass or not, as data: the runtime makes the sentence. */
export type Explanation =
  | { readonly allowed: true; readonly rule: Rule }
  | {
      readonly allowed: false;
      /** The rule that is most likely to have been meant for it; undefined when there is no rule at all. */
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
  let distance = Number.POSITIVE_INFINITY;
  let compared = 0;
  for (const rule of rules[direction]) {
    const misses = missesOf(rule, { rules, direction, packet, peer });
    if (misses.length === 0) return { allowed: true, rule };
    const weight = misses.reduce((sum, part) => sum + WEIGHTS[part], 0);
    // Words are compared only where nothing but whom it means is wrong with a rule.
    const isForThis = weight < WEIGHTS.port && misses.includes("peer") && compared++ < COMPARED_MAX;
    const own = weight + (isForThis ? strangenessOf(rule, peer) : STRANGENESS_MAX);
    if (own >= distance) continue;
    closest = { rule, misses };
    distance = own;
  }
  return { allowed: false, closest };
}

/**
 * What somebody wants to reach is what the rule was written for; whom it lets in is where it is mistaken: a rule for another service is further away
 * than any for this one. Among equals, one with a name like the peer's, or like one of its groups, is a slip.
 */
const WEIGHTS: Readonly<Record<RulePart, number>> = {
  protocol: 200,
  port: 100,
  "icmp-type": 100,
  ca: 20,
  local: 20,
  peer: 20,
};

/** Rules whose words are compared with the peer's, some microseconds each: a refused packet of ten thousand must not hold up the others. */
const COMPARED_MAX = 256;

/** How many of the groups that a rule asks for a peer lacks, and half as much for one that it has in another spelling. */
function strangenessOf({ host, groups }: Rule, peer: PeerFacts): number {
  const isSlip = (word: string, names: Iterable<string>): boolean => nearest(word, names) !== undefined;
  const missing = groups.filter((group) => !peer.groups.has(group));
  const asGroups = missing.reduce((sum, group) => sum + (isSlip(group, peer.groups) ? 0.5 : 1), 0);
  const asHost = host !== undefined && isSlip(host, [peer.name]) ? 0.5 : STRANGENESS_MAX;
  return Math.min(groups.length > 0 ? asGroups : STRANGENESS_MAX, asHost, STRANGENESS_MAX);
}

/** Of who is not like anybody: less than any part weighs. */
const STRANGENESS_MAX = 10;

interface Asked {
  readonly rules: Ruleset;
  readonly direction: Direction;
  readonly packet: PacketFacts;
  readonly peer: PeerFacts;
}

function missesOf(rule: Rule, { rules, direction, packet, peer }: Asked): readonly RulePart[] {
  const misses: RulePart[] = [];
  if (!hasProtocol(rule, packet.protocol)) misses.push("protocol");
  else if (rule.icmpTypes.length > 0 && !rule.icmpTypes.includes(packet.icmpMessage ?? NO_MESSAGE))
    misses.push("icmp-type");
  if (!meansPort(rule, packet, direction)) misses.push("port");
  if (!meansCa(rule, peer)) misses.push("ca");
  if (!meansPeer(rule, packet, peer)) misses.push("peer");
  const local = localOf(rule, rules);
  if (local.length > 0 && !local.some((prefix) => contains(prefix, packet.localAddress))) misses.push("local");
  return misses;
}

const NO_MESSAGE = -1;

function meansPort(rule: Rule, packet: PacketFacts, direction: Direction): boolean {
  // A fragment of ICMP takes a rule about ICMP, or one for every protocol and port.
  if (rule.fragment) return packet.fragment === true && !isIcmp(packet.protocol);
  return hasPort(rule, packet.protocol, direction === "inbound" ? packet.localPort : packet.remotePort);
}

function meansPeer(rule: Rule, { remoteAddress }: PacketFacts, peer: PeerFacts): boolean {
  if (peer.debugGroup !== undefined) return !meansEverybody(rule) && meansGuest(rule, peer);
  if (meansEverybody(rule) || meansHost(rule, peer) || meansGroups(rule, peer)) return true;
  return rule.cidr !== undefined && rule.cidr !== "any" && contains(rule.cidr, remoteAddress);
}
