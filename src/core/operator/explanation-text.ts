import { DropReason } from "../drop-reason.ts";
import type { RulePart } from "../firewall/rule.ts";
import { icmpTypeOf } from "../netip/icmp-message.ts";
import { IpProtocol, isIcmp } from "../netip/ip-protocol.ts";
import type { Judgement, PacketAddresses } from "../wire/explanation.ts";

// The words for what rules do with a packet: log, `lacis why` and `lacis status` read the same because all of them come here.

/** Whom a rule was asked about, and what its certificate says. */
export interface JudgedPeer {
  readonly name: string;
  readonly groups: readonly string[];
}

export type Closest = NonNullable<Extract<Judgement, { allowed: false }>["closest"]>;

/** One sentence, or two: the rule that comes closest, what it misses, and who the peer is where that is the point. */
export function closestText({ place, text, misses }: Closest, peer: JudgedPeer): string {
  const parts = misses.map((part) => PARTS[part]).join(", ");
  const whose = misses.includes("peer") ? ` ${groupsText(peer)}` : "";
  return `The one at ${place} (${text}) comes closest, but for ${parts}.${whose}`;
}

/** A protocol and port as people write it: "tcp/22", "icmp/8", "protocol 47". */
export function serviceText({
  protocol,
  destinationPort,
  icmpMessage,
}: Pick<PacketAddresses, "protocol" | "destinationPort" | "icmpMessage">): string {
  const name = PROTOCOLS.get(protocol);
  if (name === undefined) return `protocol ${protocol}`;
  if (!isIcmp(protocol)) return `${name}/${destinationPort}`;
  return icmpMessage === undefined ? name : `${name}/${icmpTypeOf(icmpMessage)}`;
}

/** Why a host refuses a packet: a clause. `host` is its name in it. */
export function refusedText(
  reason: DropReason,
  direction: "inbound" | "outbound",
  packet: PacketAddresses,
  host = "this host",
): string {
  switch (reason) {
    case DropReason.noMatchingRule:
      return `no ${direction} rule allows it`;
    case DropReason.localAddress:
      return direction === "inbound"
        ? `${packet.destination} is neither an address of ${host} nor in a network behind it`
        : `${packet.source} is neither an address of ${host} nor in a network behind it`;
    case DropReason.remoteAddress:
      return `${packet.source} is neither an address of the sender nor in a network behind it, as its certificate says`;
    case DropReason.noRoute:
      return `no route leads to ${packet.destination}`;
    case DropReason.ownAddress:
      return `${packet.destination} is ${host} itself`;
    default:
      return reason;
  }
}

/** A certificate may hold hundreds. */
const GROUPS_SHOWN_MAX = 16;

/** Of its groups, as many as are shown. */
export function shownGroups({ groups }: JudgedPeer): readonly string[] {
  return groups.slice(0, GROUPS_SHOWN_MAX);
}

function groupsText(peer: JudgedPeer): string {
  const { name, groups } = peer;
  if (groups.length === 0) return `${name} is in no group.`;
  const rest = groups.length > GROUPS_SHOWN_MAX ? ` and ${groups.length - GROUPS_SHOWN_MAX} more` : "";
  return `${name} is in the ${groups.length === 1 ? "group" : "groups"} ${shownGroups(peer).join(", ")}${rest}.`;
}

/** A part of a rule in the words of the configuration. */
const PARTS: Readonly<Record<RulePart, string>> = {
  protocol: "its proto",
  "icmp-type": "its icmp_type",
  port: "its port",
  ca: "its ca_name or ca_sha",
  peer: "its host, groups or cidr",
  local: "its local_cidr",
};

const PROTOCOLS: ReadonlyMap<number, string> = new Map([
  [IpProtocol.tcp, "tcp"],
  [IpProtocol.udp, "udp"],
  [IpProtocol.icmp, "icmp"],
  [IpProtocol.icmpv6, "icmp"],
]);
