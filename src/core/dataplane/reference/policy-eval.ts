import type { IpAddress } from "../../netip/address.ts";
import { contains, type Prefix } from "../../netip/prefix.ts";
import { hasPort, hasProtocol } from "../../netip/service.ts";
import type { Direction, PolicyProgram, PolicyRule } from "../contract.ts";

/** What a rule looks at: the inner packet with "local" meaning us, in both directions (protocol 9.1). */
export interface PolicySubject {
  readonly localAddress: IpAddress;
  readonly remoteAddress: IpAddress;
  readonly protocol: number;
  readonly localPort: number;
  readonly remotePort: number;
}

/**
 * The first rule of the direction that allows the packet, or undefined: then it is refused. There are no deny rules and the order
 * decides nothing, so "first" only matters to who explains it.
 */
export function matchingRule(
  program: PolicyProgram,
  direction: Direction,
  { localAddress, remoteAddress, protocol, localPort, remotePort }: PolicySubject,
): PolicyRule | undefined {
  const port = direction === "inbound" ? localPort : remotePort;
  return program[direction].find(
    (rule) =>
      hasProtocol(rule, protocol) &&
      hasPort(rule, protocol, port) &&
      isIn(rule.remote, remoteAddress) &&
      isIn(rule.local, localAddress),
  );
}

/** No prefix at all means any address. */
function isIn(prefixes: readonly Prefix[], address: IpAddress): boolean {
  return prefixes.length === 0 || prefixes.some((prefix) => contains(prefix, address));
}
