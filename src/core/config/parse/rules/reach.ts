import type { Certificate } from "../../../cert/certificate.ts";
import type { Rule } from "../../../firewall/rule.ts";
import { formatPrefix, formatPrefixes, hostPrefix, overlaps, type Prefix } from "../../../netip/prefix.ts";
import type { Findings } from "../../document/findings.ts";
import { show } from "../../document/show.ts";
import type { ParsedRule } from "./parse-rules.ts";

/** Of this host and of whom it trusts, what decides whether a rule can ever match. */
export interface Surroundings {
  readonly authorities: readonly Certificate[];
  /** This host's overlay networks: a peer's address lies in one of them, or behind a peer. */
  readonly networks: readonly Prefix[];
  /** What lies behind this host. */
  readonly unsafeNetworks: readonly Prefix[];
  /** What this host sends to peers beside its networks. */
  readonly routed: readonly Prefix[];
}

/** Warns of rules that let nobody through, whatever comes: most often something in them is misspelt. */
export function checkReach(
  rules: { readonly inbound: readonly ParsedRule[]; readonly outbound: readonly ParsedRule[] },
  surroundings: Surroundings,
  findings: Findings,
): void {
  for (const parsed of [...rules.inbound, ...rules.outbound])
    for (const [field, what, todo] of doubtsAbout(parsed.rule, surroundings)) {
      const place = parsed.node.entries.get(field)?.value.place ?? parsed.node.place;
      findings.warn({ code: "CONFIG_RULE", place, path: `${parsed.path}.${field}`, what, todo });
    }
  warnOfUnreachableBehind(rules.inbound, surroundings, findings);
}

type Doubt = readonly [field: string, what: string, todo: string];

function doubtsAbout(rule: Rule, surroundings: Surroundings): readonly Doubt[] {
  return [
    ...authorityDoubts(rule, surroundings),
    ...groupDoubts(rule, surroundings),
    ...cidrDoubts(rule, surroundings),
    ...localDoubts(rule, surroundings),
  ];
}

/** Where both are given, either suffices: one that nobody has is then only pointless. */
function authorityDoubts({ caName, caSha }: Rule, { authorities }: Surroundings): readonly Doubt[] {
  const hasSha = authorities.some(({ fingerprint }) => fingerprint === caSha);
  const hasName = authorities.some(({ name }) => name === caName);
  const outcome = hasSha || hasName ? "this lets nobody through" : "the rule lets nobody through";
  const todo = "lacis-cert print -path CA.crt shows both";
  const doubts: Doubt[] = [];
  if (caSha !== undefined && !hasSha) doubts.push(["ca_sha", `${outcome}: no CA in pki.ca has this fingerprint`, todo]);
  if (caName !== undefined && !hasName)
    doubts.push(["ca_name", `${outcome}: no CA in pki.ca is called ${show(caName)}`, todo]);
  return doubts;
}

/** A CA that lists groups signs no others. */
function groupDoubts({ groups }: Rule, { authorities }: Surroundings): readonly Doubt[] {
  if (groups.includes("any") || authorities.some((ca) => ca.groups.length === 0)) return [];
  return groups
    .filter((group) => !authorities.some((ca) => ca.groups.includes(group)))
    .map((group) => [
      "groups",
      `no CA in pki.ca may give the group ${show(group)}`,
      "compare it with the groups of the CA",
    ]);
}

function cidrDoubts({ cidr }: Rule, { networks, routed, authorities }: Surroundings): readonly Doubt[] {
  if (cidr === undefined || cidr === "any") return [];
  // Without an own list a CA signs any network behind a host; then what this host routes there says what is meant.
  const behind = [...routed, ...authorities.flatMap(({ unsafeNetworks }) => unsafeNetworks)];
  if ([...networks, ...behind].some((network) => overlaps(network, cidr))) return [];
  const what = `no peer has an address in ${formatPrefix(cidr)}: it is outside this host's networks (${formatPrefixes(networks)}), and no unsafe route leads there`;
  return [["cidr", what, "cidr is about overlay addresses of peers, and networks behind them"]];
}

function localDoubts({ localCidr }: Rule, { networks, unsafeNetworks }: Surroundings): readonly Doubt[] {
  if (localCidr === undefined || localCidr === "any") return [];
  const own = networks.map(({ address }) => hostPrefix(address));
  if ([...own, ...unsafeNetworks].some((network) => overlaps(network, localCidr))) return [];
  const ours = formatPrefixes([...own, ...unsafeNetworks]);
  const what = `nothing of this host lies in ${formatPrefix(localCidr)}: it has ${ours}`;
  return [
    ["local_cidr", what, "local_cidr is about this host's own addresses, and networks behind it in its certificate"],
  ];
}

/** On a gateway: what is behind it takes rules that say so. */
function warnOfUnreachableBehind(
  inbound: readonly ParsedRule[],
  { unsafeNetworks }: Surroundings,
  findings: Findings,
): void {
  const means = ({ rule: { localCidr } }: ParsedRule): boolean =>
    localCidr === "any" || (localCidr !== undefined && unsafeNetworks.some((network) => overlaps(network, localCidr)));
  const [first] = inbound;
  if (!first || unsafeNetworks.length === 0 || inbound.some(means)) return;
  const list = formatPrefixes(unsafeNetworks);
  const what = `no rule lets anybody reach the networks behind this host (${list}): rules without local_cidr mean only its own addresses`;
  const todo = `add local_cidr: ${formatPrefix(unsafeNetworks[0] as Prefix)} to the rules that are for them`;
  findings.warn({ code: "CONFIG_RULE", place: first.node.place, path: "firewall.inbound", what, todo });
}
