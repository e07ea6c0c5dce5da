import type { Certificate } from "../cert/certificate.ts";
import type { LiveSettings } from "../config/settings.ts";
import type { Direction } from "../dataplane/contract.ts";
import { DropReason } from "../drop-reason.ts";
import type { IpAddress } from "../netip/address.ts";
import { contains } from "../netip/prefix.ts";
import type { RouteTable } from "../route/route-table.ts";
import type { Judgement, NamedRule, PacketAddresses } from "../wire/explanation.ts";
import { explain } from "./explain.ts";
import type { Rule } from "./rule.ts";
import { ruleText } from "./rule-text.ts";
import type { CaOf, PacketFacts } from "./ruleset.ts";

/** What a host goes by. */
export interface Judge<Peer extends Certificate> {
  readonly rules: LiveSettings["firewall"];
  readonly routes: RouteTable;
  readonly caOf: CaOf<Peer>;
}

/**
 * What this host does with a packet of this peer, or to it, that would open a flow, and why: as its data plane does (SEMANTICS 3 and 4), in the
 * same order.
 */
export function judge<Peer extends Certificate>(
  host: Judge<Peer>,
  direction: Direction,
  packet: PacketFacts,
  peer: Peer,
): Judgement {
  const reason = direction === "inbound" ? strayInbound(host, packet, peer) : strayOutbound(host, packet);
  if (reason) return { allowed: false, reason, closest: undefined };
  const explanation = explain(host.rules, { direction, packet, peer, caOf: host.caOf });
  if (explanation.allowed) return { allowed: true, rule: named(explanation.rule) };
  const { closest } = explanation;
  return {
    allowed: false,
    reason: DropReason.noMatchingRule,
    closest: closest && { ...named(closest.rule), misses: closest.misses },
  };
}

/** The packet as a host sees it that it comes to, or leaves. */
export function seenFrom(direction: Direction, packet: PacketAddresses): PacketFacts {
  const { protocol, source, destination, sourcePort, destinationPort, icmpMessage } = packet;
  const isInbound = direction === "inbound";
  return {
    protocol,
    localAddress: isInbound ? destination : source,
    remoteAddress: isInbound ? source : destination,
    localPort: isInbound ? destinationPort : sourcePort,
    remotePort: isInbound ? sourcePort : destinationPort,
    ...(icmpMessage !== undefined && { icmpMessage }),
  };
}

/** As it may be told to a peer: of the place of a rule, the file's name without its folder. */
export function abroad(judgement: Judgement): Judgement {
  const shortened = <Named extends NamedRule>(rule: Named): Named => ({
    ...rule,
    place: rule.place.replace(/^.*\//, ""),
  });
  if (judgement.allowed) return { allowed: true, rule: shortened(judgement.rule) };
  const { reason, closest } = judgement;
  return { allowed: false, reason, closest: closest && shortened(closest) };
}

/** Whether a packet from this address may be the peer's: its own, or of what lies behind it. */
export function speaksFor(routes: RouteTable, peer: Certificate, address: IpAddress): boolean {
  const from = routes.targetOf(address);
  if (from === "peer") return peer.networks.some((network) => network.address === address);
  return from !== "own" && peer.unsafeNetworks.some((network) => contains(network, address));
}

function strayInbound(
  { routes }: Pick<Judge<never>, "routes">,
  { localAddress, remoteAddress }: PacketFacts,
  peer: Certificate,
): DropReason | undefined {
  if (!speaksFor(routes, peer, remoteAddress)) return DropReason.remoteAddress;
  return routes.targetOf(localAddress) === "own" ? undefined : DropReason.localAddress;
}

function strayOutbound(
  { routes }: Pick<Judge<never>, "routes">,
  { localAddress, remoteAddress }: PacketFacts,
): DropReason | undefined {
  const to = routes.targetOf(remoteAddress);
  if (to === "own") return DropReason.ownAddress;
  if (routes.targetOf(localAddress) !== "own") return DropReason.localAddress;
  return to === "none" ? DropReason.noRoute : undefined;
}

function named(rule: Rule): NamedRule {
  return { place: rule.place, text: ruleText(rule) };
}
