import type { Rule } from "../../../firewall/rule.ts";
import type { Findings } from "../../document/findings.ts";
import { show } from "../../document/show.ts";
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
  if (name !== "any" && name.toLowerCase() === "any") return "write any for everybody";
  if (/[*?]/.test(name)) return "there are no patterns: write any for everybody, or a group";
  if (name.trim() !== name) return "remove the spaces around it";
  if (field === "group" && name.includes(",")) return "write each group as an item of its own in groups";
  if (field === "host" && /^(\d+\.){3}\d+(\/\d+)?$|^[0-9a-f]*:[0-9a-f:]+(\/\d+)?$/i.test(name))
    return "host is the name in a certificate: write cidr for an address";
  return undefined;
}
