import { familyOf, type IpAddress } from "../../netip/address.ts";
import { icmpMessage } from "../../netip/icmp-message.ts";
import { IpProtocol, isIcmp } from "../../netip/ip-protocol.ts";
import { contains, type Prefix } from "../../netip/prefix.ts";
import { hasPort, hasProtocol, PORT_MAX } from "../../netip/service.ts";
import { counterpartOf } from "../../wire/inner-packet.ts";
import type { Direction, PolicyProgram, PolicyRule } from "../contract.ts";

/** What a rule looks at: the inner packet with "local" meaning us, in both directions (protocol 9.1). */
export interface PolicySubject {
  readonly localAddress: IpAddress;
  readonly remoteAddress: IpAddress;
  readonly protocol: number;
  readonly localPort: number;
  readonly remotePort: number;
  /** A part of a packet of which nobody knows the ports. */
  readonly isRest?: boolean;
  /** Of ICMP the type that its flow lets in. */
  readonly icmpIn: number;
}

/**
 * The first rule of the direction that allows the packet, or undefined: then it is refused. There are no deny rules and the order
 * decides nothing, so "first" only matters to who explains it.
 */
export function matchingRule(
  program: PolicyProgram,
  direction: Direction,
  packet: PolicySubject,
): PolicyRule | undefined {
  const { localAddress, remoteAddress, protocol, localPort, remotePort, isRest = false } = packet;
  const port = direction === "inbound" ? localPort : remotePort;
  const message = messageOf(packet, direction);
  return program[direction].find(
    (rule) =>
      hasProtocol(rule, protocol) &&
      (isRest ? meansRests(rule, protocol) : !rule.fragment && hasPort(rule, protocol, port)) &&
      hasType(rule, message) &&
      isIn(rule.remote, remoteAddress) &&
      isIn(rule.local, localAddress),
  );
}

/** Whether it looks at no port. As in Nebula one that means fragments only means none of ICMP, unless it is about ICMP. */
function meansRests({ protocol, fragment, portFirst, portLast }: PolicyRule, number: number): boolean {
  const isAnyPort = portFirst === 0 && portLast === PORT_MAX;
  if (isIcmp(number)) return protocol === "icmp" || (!fragment && isAnyPort);
  return fragment === true || isAnyPort;
}

/** The kind of ICMP message that opens, or has opened, the flow in this direction; undefined of what its IP version does not know as ICMP. */
function messageOf(packet: PolicySubject, direction: Direction): number | undefined {
  const { localAddress, protocol, icmpIn, isRest } = packet;
  if (isRest) return undefined;
  const family = familyOf(localAddress);
  if (protocol !== (family === 4 ? IpProtocol.icmp : IpProtocol.icmpv6)) return undefined;
  return icmpMessage(protocol, direction === "inbound" ? icmpIn : counterpartOf(family, icmpIn));
}

/** No type at all means every message. */
function hasType({ icmpTypes = [] }: PolicyRule, message: number | undefined): boolean {
  return icmpTypes.length === 0 || (message !== undefined && icmpTypes.includes(message));
}

/** No prefix at all means any address. */
function isIn(prefixes: readonly Prefix[], address: IpAddress): boolean {
  return prefixes.length === 0 || prefixes.some((prefix) => contains(prefix, address));
}
