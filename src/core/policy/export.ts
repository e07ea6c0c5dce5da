import { printableJson } from "../base/printable.ts";
import type { Direction } from "../dataplane/contract.ts";
import type { Rule } from "../firewall/rule.ts";
import { formatPrefix } from "../netip/prefix.ts";
import { PORT_MAX } from "../netip/service.ts";
import { compilePolicy } from "./compile.ts";
import type { HostFacts, PolicyBody } from "./policy.ts";
import { messageText } from "./words.ts";

/** The `firewall` section of a host's configuration, for a host that does not take policies by itself: Nebula's own keys. */
export function exportFirewall(policy: PolicyBody, host: HostFacts): string {
  const lists = compilePolicy(policy, host);
  return [
    `# Of host ${printableJson(host.name)}, made from ${policy.place.replace(/:\d+$/, "")}: change that file, not this one.`,
    "firewall:",
    ...listText("outbound", lists.outbound, host),
    ...listText("inbound", lists.inbound, host),
    "",
  ].join("\n");
}

function listText(direction: Direction, rules: readonly Rule[], host: HostFacts): readonly string[] {
  if (rules.length === 0) return [`  ${direction}: []`];
  return [`  ${direction}:`, ...rules.flatMap((rule) => ruleLines(rule, host))];
}

function ruleLines(rule: Rule, host: HostFacts): readonly string[] {
  const { protocol, host: name, groups, cidr, icmpTypes, audit, place } = rule;
  // Without networks behind it every local address is the host's own, and older releases of Nebula do not know the key.
  const local = host.behind.length === 0 ? undefined : rule.localCidr;
  const fields = [
    `proto: ${protocol}`,
    `port: ${portText(rule)}`,
    ...(icmpTypes.length > 0 ? [`icmp_type: ${messageText(icmpTypes)}`] : []),
    ...(name === undefined ? [] : [`host: ${name === "any" ? name : printableJson(name)}`]),
    ...(groups.length > 0 ? [`groups: [${groups.map((group) => printableJson(group)).join(", ")}]`] : []),
    ...(cidr === undefined ? [] : [`cidr: ${cidr === "any" ? cidr : formatPrefix(cidr)}`]),
    ...(local === undefined ? [] : [`local_cidr: ${local === "any" ? local : formatPrefix(local)}`]),
  ];
  const remarks = [
    place,
    ...(audit ? ["merely audited there, let through here"] : []),
    ...(icmpTypes.length > 0 ? ["stock Nebula lets all of ICMP through"] : []),
  ];
  return [`    # ${remarks.join("; ")}`, ...fields.map((field, i) => `    ${i === 0 ? "- " : "  "}${field}`)];
}

function portText({ portFirst, portLast }: Rule): string {
  if (portFirst === 0 && portLast === PORT_MAX) return "any";
  return portFirst === portLast ? String(portFirst) : `${portFirst}-${portLast}`;
}
