import { formatPrefix, type Prefix } from "../netip/prefix.ts";
import { PORT_MAX } from "../netip/service.ts";
import type { Rule } from "./rule.ts";

/** A rule in one line, in the words of the configuration: "tcp 22 group=admins". */
export function ruleText(rule: Rule): string {
  const { protocol, host, groups, cidr, localCidr, caName, caSha } = rule;
  const parts = [
    protocol,
    protocol === "icmp" ? messagesOf(rule) : portsOf(rule),
    host !== undefined && `host=${host}`,
    groups.length > 0 && `groups=${groups.join("+")}`,
    cidr !== undefined && `cidr=${prefixText(cidr)}`,
    localCidr !== undefined && `local_cidr=${prefixText(localCidr)}`,
    caName !== undefined && `ca_name=${caName}`,
    caSha !== undefined && `ca_sha=${caSha.slice(0, 8)}`,
    rule.audit === true && "mode=audit",
  ];
  return parts.filter((part) => part !== "" && part !== false).join(" ");
}

function messagesOf({ icmpTypes }: Rule): string {
  return icmpTypes.length === 0
    ? ""
    : `types=${icmpTypes.map((type) => (type < 256 ? type : `v6:${type - 256}`)).join(",")}`;
}

function portsOf({ fragment, portFirst, portLast }: Rule): string {
  if (fragment) return "fragment";
  if (portFirst === 0 && portLast === PORT_MAX) return "any";
  return portFirst === portLast ? String(portFirst) : `${portFirst}-${portLast}`;
}

function prefixText(prefix: Prefix | "any"): string {
  return prefix === "any" ? prefix : formatPrefix(prefix);
}
