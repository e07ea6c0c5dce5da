import type { IpAddress } from "../../netip/address.ts";
import { isIcmp } from "../../netip/ip-protocol.ts";
import { contains, type Prefix } from "../../netip/prefix.ts";
import { hasPort, hasProtocol, PORT_MAX } from "../../netip/service.ts";
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
}

/**
 * The first rule of the direction that allows the packet, or undefined: then it is refused. There are no deny rules and the order
 * decides nothing, so "first" only matters to who explains it.
 */
export function matchingRule(
  program: PolicyProgram,
  direction: Direction,
  { localAddress, remoteAddress, protocol, localPort, remotePort, isRest = false }: PolicySubject,
): PolicyRule | undefined {
  const port = direction === "inbound" ? localPort : remotePort;
  return program[direction].find(
    (rule) =>
      hasProtocol(rule, protocol) &&
      (isRest ? meansRests(rule, protocol) : !rule.fragment && hasPort(rule, protocol, port)) &&
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

/** No prefix at all means any address. */
function isIn(prefixes: readonly Prefix[], address: IpAddress): boolean {
  return prefixes.length === 0 || prefixes.some((prefix) => contains(prefix, address));
}
