import { isDeepStrictEqual } from "node:util";
import type { Certificate, Fingerprint } from "../../../src/core/cert/certificate.ts";
import { nodeAt } from "../../../src/core/config/document/document.ts";
import { Findings } from "../../../src/core/config/document/findings.ts";
import { defaultLocalOf } from "../../../src/core/config/parse/rules/parse-firewall.ts";
import { parseRules } from "../../../src/core/config/parse/rules/parse-rules.ts";
import type { Direction } from "../../../src/core/dataplane/contract.ts";
import { matchingRule } from "../../../src/core/dataplane/reference/policy-eval.ts";
import { PeerClasses } from "../../../src/core/firewall/classes.ts";
import type { Rule, RuleLists, Ruleset } from "../../../src/core/firewall/rule.ts";
import { familyOf, type IpAddress } from "../../../src/core/netip/address.ts";
import { icmpMessage } from "../../../src/core/netip/icmp-message.ts";
import { decodePolicyBulletin, encodePolicyBulletin } from "../../../src/core/policy/body.ts";
import { compilePolicy } from "../../../src/core/policy/compile.ts";
import { evaluate, type PolicyPacket } from "../../../src/core/policy/evaluate.ts";
import { exportFirewall } from "../../../src/core/policy/export.ts";
import type { HostFacts, Policy, PolicyBody } from "../../../src/core/policy/policy.ts";
import { parseYaml } from "../../../src/runtime/config/config-yaml.ts";
import { Random } from "../../sim/world/random.ts";
import { prefix } from "../../unit/fixtures/authority.ts";
import { GROUPS, NAMED, randomPolicy } from "./random-policy.ts";
import { policyOf } from "./read-policy.ts";

export interface Agreement {
  packets: number;
  policies: number;
  readonly verdicts: Map<string, number>;
  readonly disagreements: string[];
}

/** Packets that are asked about of one policy. */
const PACKETS_PER_POLICY = 500;
/** Shown of many. */
const SHOWN_MAX = 5;

/**
 * Packets between random hosts under random policies: what the text of the policy says, against what both hosts do that were sent it, compiled it for
 * themselves and gave their data planes a program for each other. The files that stock hosts get are read again and must say the same.
 */
export function agreeOnPolicies({ packets, seed }: { packets: number; seed: number }): Agreement {
  const random = new Random(seed, "policies");
  const result: Agreement = { packets: 0, policies: 0, verdicts: new Map(), disagreements: [] };
  while (result.packets < packets) {
    const text = randomPolicy(random);
    const policy = policyOf(text);
    const hosts = Array.from({ length: 5 }, (_, i) => randomHost(random, i));
    const running = hosts.map((facts) => runningHost(sent(policy), facts));
    for (const host of running) checkExport(policy, host, result, text);
    for (let i = 0; i < PACKETS_PER_POLICY; i++) {
      const [from, to] = [random.below(5), random.below(5)];
      const [source, destination] = [running[from], running[to]];
      if (!source || !destination || from === to) continue;
      judge(policy, source, destination, random, result, text);
    }
    result.policies++;
  }
  return result;
}

interface RunningHost {
  readonly facts: HostFacts;
  readonly lists: RuleLists;
  readonly certificate: Certificate;
  readonly classes: PeerClasses;
}

/** What comes out of the bulletin that the policy travels in. */
function sent(policy: Policy): PolicyBody {
  const decoded = decodePolicyBulletin(encodePolicyBulletin({ policy, stage: undefined }));
  if (!decoded.ok || !decoded.value.policy) throw new Error(decoded.ok ? "no policy" : decoded.reason);
  return decoded.value.policy;
}

function randomHost(random: Random, i: number): HostFacts {
  const name = random.chance(0.7) ? (NAMED[i] ?? "") : `stranger${i}`;
  return {
    name,
    groups: GROUPS.filter(() => random.chance(0.4)),
    addresses: [`10.77.0.${i + 1}`, `fd77::${i + 1}`] as readonly string[] as readonly IpAddress[],
    behind: random.chance(0.3) ? [prefix(`192.168.${7 + i}.0/24`)] : [],
  };
}

function runningHost(policy: PolicyBody, facts: HostFacts): RunningHost {
  const lists = compilePolicy(policy, facts);
  const certificate = {
    name: facts.name,
    groups: facts.groups,
    networks: facts.addresses.map((address) => ({ address, bits: address.includes(":") ? 64 : 24 })),
    unsafeNetworks: facts.behind,
    issuer: "ca" as Fingerprint,
  } as Partial<Certificate> as Certificate;
  const rules: Ruleset = {
    ...lists,
    refuse: { inbound: "drop", outbound: "drop" },
    defaultLocal: defaultLocalOf(certificate, { any: false }),
  };
  return { facts, lists, certificate, classes: new PeerClasses(rules) };
}

function judge(
  policy: Policy,
  source: RunningHost,
  destination: RunningHost,
  random: Random,
  result: Agreement,
  text: string,
): void {
  const packet = randomPacket(source.facts, destination.facts, random);
  const expected = evaluate(policy, packet);
  const out = decide(source, destination, "outbound", packet);
  const into = decide(destination, source, "inbound", packet);
  const passes = out !== undefined && into !== undefined;
  const isAudited = passes && (out.audit === true || into.audit === true);
  const verdict = !passes ? "refused" : isAudited ? "audited" : "allowed";
  const should = !expected.passes ? "refused" : expected.isAudited ? "audited" : "allowed";
  result.packets++;
  result.verdicts.set(verdict, (result.verdicts.get(verdict) ?? 0) + 1);
  if (verdict === should) return;
  tell(result, `${should} by the policy, ${verdict} by the hosts: ${JSON.stringify(packet)}\n${text}`);
}

/** The rule of a host's data plane that lets a packet open a flow. */
function decide(host: RunningHost, peer: RunningHost, direction: Direction, packet: PolicyPacket): Rule | undefined {
  const { sourceAddress, destinationAddress, protocol, destinationPort, icmpMessage: message } = packet;
  const isInbound = direction === "inbound";
  const type = message === undefined ? 0 : message % 256;
  const matched = matchingRule(
    host.classes.programOf(peer.certificate, () => undefined),
    direction,
    {
      localAddress: isInbound ? destinationAddress : sourceAddress,
      remoteAddress: isInbound ? sourceAddress : destinationAddress,
      protocol,
      localPort: isInbound ? destinationPort : 40_000,
      remotePort: isInbound ? 40_000 : destinationPort,
      // Who sends a message lets in what answers it, and is judged by what it sends.
      icmpIn: isInbound ? type : (ANSWERS[message ?? 0] ?? type),
    },
  );
  return matched && host.lists[direction][matched.ruleId];
}

/** To an echo request its reply comes in, of either family. */
const ANSWERS: Readonly<Record<number, number>> = { 8: 0, 384: 129 };

function randomPacket(source: HostFacts, destination: HostFacts, random: Random): PolicyPacket {
  const pick = <Item>(items: readonly Item[]): Item => items[random.below(items.length)] as Item;
  const at = random.below(2);
  const behind = (host: HostFacts): readonly IpAddress[] =>
    at === 0
      ? host.behind.map(({ address }) => address.replace(/0$/, String(random.between(1, 254))) as IpAddress)
      : [];
  const destinationAddress = pick([destination.addresses[at] as IpAddress, ...behind(destination)]);
  const isV4 = familyOf(destinationAddress) === 4;
  const icmp = isV4 ? 1 : 58;
  const protocol = pick([6, 6, 17, icmp, icmp, 47]);
  const ported = protocol === 6 || protocol === 17;
  return {
    source,
    destination,
    sourceAddress: pick([source.addresses[at] as IpAddress, ...behind(source)]),
    destinationAddress,
    protocol,
    destinationPort: ported ? pick([22, 53, 79, 80, 200, 443, 444, 5432, random.between(1, 65_535)]) : 0,
    ...(protocol === icmp && { icmpMessage: icmpMessage(protocol, pick(isV4 ? [8, 3, 13] : [128, 3, 1])) }),
  };
}

/** The file for a stock host says what the host itself would go by. */
function checkExport(policy: Policy, { facts, lists }: RunningHost, result: Agreement, text: string): void {
  const yaml = parseYaml("firewall.yml", exportFirewall(policy, facts));
  if (!yaml.ok) {
    tell(result, `the exported file cannot be read\n${text}`);
    return;
  }
  const findings = new Findings();
  for (const direction of ["inbound", "outbound"] as const) {
    const read = parseRules(nodeAt(yaml.root, `firewall.${direction}`), direction, findings).map(({ rule }) =>
      plain(rule, facts),
    );
    if (
      !isDeepStrictEqual(
        read,
        lists[direction].map((rule) => plain(rule, facts)),
      )
    )
      tell(result, `the exported file says something else: ${exportFirewall(policy, facts)}\n${text}`);
  }
  if (findings.hasErrors) tell(result, `the exported file is wrong: ${JSON.stringify(findings.errors())}\n${text}`);
}

/** Without what a file cannot say, or need not. */
function plain({ audit, place, localCidr, ...rule }: Rule, { behind }: HostFacts): object {
  return {
    ...rule,
    icmpTypes: rule.icmpTypes.toSorted((a, b) => a - b),
    localCidr: behind.length === 0 ? undefined : localCidr,
  };
}

function tell(result: Agreement, disagreement: string): void {
  if (result.disagreements.length < SHOWN_MAX) result.disagreements.push(disagreement);
}
