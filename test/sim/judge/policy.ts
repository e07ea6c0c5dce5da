import type { Rule } from "../../../src/core/firewall/rule.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { contains } from "../../../src/core/netip/prefix.ts";
import { ruleOf } from "../../unit/fixtures/rules.ts";
import type { InnerProtocol } from "../world/inner.ts";

/** What of a peer's certificate the rules of the simulator look at. */
export interface PeerFacts {
  readonly name: string;
  readonly groups: readonly string[];
}

/** One packet as a rule sees it: `port` is that of the service, `remote` the peer's overlay address. */
export interface Question {
  readonly protocol: InnerProtocol;
  readonly port: number;
  readonly remote: IpAddress;
}

/** Protocol 9.4 said once more, straight from rule and certificate, so that compiler and data plane are judged by something else. */
export function permits(rules: readonly Rule[], peer: PeerFacts, question: Question): boolean {
  return rules.some((rule) => matchesService(rule, question) && matchesPeer(rule, peer, question.remote));
}

function matchesService(rule: Rule, { protocol, port }: Question): boolean {
  if (protocol === "icmp") {
    const anyPort = rule.portFirst === 0 && rule.portLast === 65_535;
    return rule.protocol === "icmp" || (rule.protocol === "any" && anyPort);
  }
  if (rule.protocol !== "any" && rule.protocol !== protocol) return false;
  return rule.portFirst <= port && port <= rule.portLast;
}

function matchesPeer(rule: Rule, peer: PeerFacts, remote: IpAddress): boolean {
  if (rule.host === undefined && rule.groups.length === 0 && rule.cidr === undefined) return true;
  if (rule.host === "any" || rule.groups.includes("any") || rule.cidr === "any") return true;
  if (rule.host === peer.name) return true;
  if (rule.groups.length > 0 && rule.groups.every((group) => peer.groups.includes(group))) return true;
  return rule.cidr !== undefined && contains(rule.cidr, remote);
}

/** A rule as one line: "tcp 443 group=clients", "udp 5000-5999 any", "any any host=alpha". */
export function rules(...lines: readonly string[]): readonly Rule[] {
  return lines.map((line, ruleId) => {
    const [protocol = "any", ports = "any", who = "any"] = line.split(" ");
    const [first, last] = ports === "any" ? [0, 65_535] : ports.split("-").map(Number);
    const [kind, value = ""] = who.split("=");
    return ruleOf({
      ruleId,
      protocol: protocol as Rule["protocol"],
      portFirst: first ?? 0,
      portLast: last ?? first ?? 0,
      host: kind === "host" ? value : kind === "any" ? "any" : undefined,
      groups: kind === "groups" ? value.split("+") : [],
      place: line,
    });
  });
}
