import type { IpAddress } from "../../netip/address.ts";
import { IpProtocol, isIcmp } from "../../netip/ip-protocol.ts";
import { contains } from "../../netip/prefix.ts";
import type { PolicyProgram, PolicyRule } from "../contract.ts";

export type Direction = "inbound" | "outbound";

/** What a rule looks at: the inner packet with "local" meaning us, in both directions (protocol 9.1). */
export interface PolicySubject {
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
  subject: PolicySubject,
): PolicyRule | undefined {
  const port = direction === "inbound" ? subject.localPort : subject.remotePort;
  return program[direction].find(
    (rule) =>
      matchesProtocol(rule, subject.protocol) &&
      matchesPort(rule, subject.protocol, port) &&
      matchesRemote(rule, subject.remoteAddress),
  );
}

function matchesProtocol(rule: PolicyRule, protocol: number): boolean {
  switch (rule.protocol) {
    case "any":
      return true;
    case "tcp":
      return protocol === IpProtocol.tcp;
    case "udp":
      return protocol === IpProtocol.udp;
    case "icmp":
      return isIcmp(protocol);
  }
}

/** ICMP has no ports: its own rules do not ask for them, and a rule for anything that names some does not mean ICMP. */
function matchesPort(rule: PolicyRule, protocol: number, port: number): boolean {
  if (isIcmp(protocol)) return rule.protocol === "icmp" || (rule.portFirst === 0 && rule.portLast === PORT_MAX);
  return rule.portFirst <= port && port <= rule.portLast;
}

function matchesRemote(rule: PolicyRule, address: IpAddress): boolean {
  return rule.remote.length === 0 || rule.remote.some((prefix) => contains(prefix, address));
}

const PORT_MAX = 65_535;
