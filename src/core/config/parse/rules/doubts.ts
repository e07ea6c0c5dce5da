import type { Rule } from "../../../firewall/rule.ts";
import { parseAddress } from "../../../netip/address.ts";
import { formatPrefix, hostPrefix, masked, parsePrefix } from "../../../netip/prefix.ts";
import type { Findings } from "../../document/findings.ts";
import { show } from "../../document/show.ts";
import { withoutBrackets } from "../host-port.ts";
import type { ParsedRule } from "./parse-rules.ts";

/** Warns of rules that say less than they seem to, whoever this host and its peers are. */
export function doubtRules(rules: readonly ParsedRule[], findings: Findings): void {
  for (const { rule, node, path } of rules)
    for (const { what, todo } of [...voidSelectors(rule), ...alternatives(rule), ...misspelt(rule)])
      findings.warn({ code: "CONFIG_RULE", place: node.place, path, what, todo });
}

interface Doubt {
  readonly what: string;
  readonly todo: string;
}

/** Since host, groups and cidr are alternatives, one that matches everybody makes the others pointless. */
function voidSelectors({ host, groups, cidr }: Rule): readonly Doubt[] {
  const todo = "host, groups and cidr are alternatives: remove the one that is too wide";
  const selectors = [
    { name: "host", given: host !== undefined, any: host === "any" },
    { name: "groups", given: groups.length > 0, any: groups.includes("any") },
    { name: "cidr", given: cidr !== undefined, any: cidr === "any" },
  ].filter(({ given }) => given);
  const wide = selectors.find(({ any }) => any);
  const others = selectors.filter((selector) => selector !== wide).map(({ name }) => name);
  return [
    ...(groups.includes("any") && groups.length > 1
      ? [{ what: `groups: the "any" in it makes the other groups pointless`, todo }]
      : []),
    ...(wide && others.length > 0
      ? [{ what: `${wide.name}: any lets everybody through, whatever ${others.join(" and ")} says`, todo }]
      : []),
  ];
}

/** What reads like a condition beside another one and is an alternative to it. */
function alternatives({ host, groups, cidr, caName, caSha }: Rule): readonly Doubt[] {
  const who = [
    ...(host !== undefined ? ["host"] : []),
    ...(groups.length > 0 ? ["groups"] : []),
    ...(cidr !== undefined ? ["cidr"] : []),
  ];
  const isWide = host === "any" || groups.includes("any") || cidr === "any";
  return [
    ...(who.length > 1 && !isWide
      ? [
          {
            what: `${who.join(" and ")} are alternatives: whoever fits one of them is let through`,
            todo: "if that is meant, write a rule for each; if all are meant, give those peers a group of their own",
          },
        ]
      : []),
    ...(caName !== undefined && caSha !== undefined
      ? [{ what: "ca_name and ca_sha are alternatives: either of them suffices", todo: "keep ca_sha, which is exact" }]
      : []),
  ];
}

/** Names that no certificate tool gives, and that look like something else that rules know. */
function misspelt({ host, groups }: Rule): readonly Doubt[] {
  const names = [
    ...(host === undefined ? [] : [["host", host] as const]),
    ...groups.map((name) => ["group", name] as const),
  ];
  return names.flatMap(([field, name]) => {
    const todo = misspelling(field, name);
    return todo === undefined ? [] : [{ what: `${field} ${show(name)} means only who is called exactly that`, todo }];
  });
}

function misspelling(field: "host" | "group", name: string): string | undefined {
  const other = field === "host" ? "group" : "host";
  if (name !== "any" && ["any", "all", "everyone", "everybody", "anyone"].includes(name.trim().toLowerCase()))
    return `write ${field}: any for everybody`;
  if (/^[.*?]+$/.test(name.trim())) return `there are no patterns: write ${field}: any for everybody`;
  const range = rangeIn(name.trim());
  if (range !== undefined)
    return range === "any"
      ? `${field} is a name in a certificate: write ${field}: any for everybody`
      : `${field} is a name in a certificate: write cidr: ${range} for the address`;
  const place = placeIn(name.trim());
  if (place !== undefined) {
    const { prefix, port } = place;
    return prefix === undefined
      ? `a port stands apart: write port: ${port}`
      : `${field} is a name in a certificate: write cidr: ${prefix} for the address, and port: ${port}`;
  }
  if (/^\d{1,3}(?:\.\d{1,3}){3}\b/.test(name.trim()))
    return `${field} is a name in a certificate: write cidr: ADDRESS/BITS for addresses`;
  if (/[*?]/.test(name)) return `there are no patterns: write ${field}: any for everybody, or a group`;
  if (/^(?:group|groups|host|cidr)[:=]/i.test(name)) return `write ${name.replace(/ *[:=] */, ": ")}`;
  const parts = partsOf(name);
  if (parts.length > 1)
    return field === "group"
      ? `write groups: [${parts.join(", ")}] for who is in all of them, or a rule for each`
      : "write a rule for each host, or give them a group";
  if (name.trim() !== name) return "remove the spaces around it";
  if (name.startsWith("!")) return `there are no exceptions: write who is let through, by ${field} or ${other}`;
  return undefined;
}

/** The prefix that a text is, or "any"; undefined where it is no address. */
function rangeIn(text: string): string | undefined {
  const address = parseAddress(withoutBrackets(text));
  const prefix = address ? hostPrefix(address) : parsePrefix(text);
  if (prefix) return prefix.bits === 0 ? "any" : formatPrefix(masked(prefix));
  const bytes = /^((?:\d{1,3}\.){1,3})(?:\*|0?\.?\*)(?:\.\*)*$/.exec(text)?.[1];
  if (bytes === undefined) return undefined;
  const given = bytes.split(".").filter((byte) => byte !== "");
  const wild = parsePrefix(`${[...given, "0", "0", "0"].slice(0, 4).join(".")}/${8 * given.length}`);
  return wild && formatPrefix(wild);
}

/** What is written for an address or a name with a port behind it. */
function placeIn(text: string): { readonly prefix: string | undefined; readonly port: string } | undefined {
  const [, host = "", port = ""] = /^(\[.+\]|[^:]+):(\d{1,5})$/.exec(text) ?? [];
  if (port === "") return undefined;
  const prefix = rangeIn(host);
  return { prefix: prefix === "any" ? undefined : prefix, port };
}

/** What a comma, a semicolon, a space or brackets hold together. */
function partsOf(name: string): readonly string[] {
  const text = name.trim();
  if (!/[,;\s]/.test(text)) return [name];
  return text
    .replace(/^\[(.*)\]$/, "$1")
    .split(/[,;\s]/)
    .map((part) => part.trim().replace(/^["'](.*)["']$/, "$1"))
    .filter((part) => part !== "");
}
