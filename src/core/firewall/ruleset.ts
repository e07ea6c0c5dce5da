import type { Certificate } from "../cert/certificate.ts";
import { debugGroupOf } from "../cert/debug-group.ts";
import type { IpAddress } from "../netip/address.ts";
import { masked, type Prefix } from "../netip/prefix.ts";
import type { Rule, Ruleset } from "./rule.ts";

/** Which CA of our pool has issued a certificate. */
export type CaOf<Subject extends Certificate> = (certificate: Subject) => Certificate | undefined;

/** The peer's side of a rule: whom it means, apart from where the packet goes (protocol 9.4). */
export interface PeerFacts {
  readonly name: string;
  readonly groups: ReadonlySet<string>;
  readonly issuer: string;
  readonly caName: string | undefined;
  /** A guest's: only rules that name it mean this peer. */
  readonly debugGroup: string | undefined;
}

/** One packet as rules see it, with "local" meaning us (protocol 9.1). */
export interface PacketFacts {
  readonly localAddress: IpAddress;
  readonly remoteAddress: IpAddress;
  readonly protocol: number;
  readonly localPort: number;
  readonly remotePort: number;
  /** Of an ICMP packet, as `icmpMessage` numbers it; not given: not known, and then no rule that asks for it is taken to match. */
  readonly icmpMessage?: number;
  /** A fragment after the first: its ports are 0. */
  readonly fragment?: boolean;
}

/** Where the local address of a packet lies that the rule means; empty: anywhere. */
export function localOf({ localCidr }: Rule, { defaultLocal }: Pick<Ruleset, "defaultLocal">): readonly Prefix[] {
  if (localCidr === undefined) return defaultLocal;
  return localCidr === "any" ? [] : [masked(localCidr)];
}

export function peerFacts<Subject extends Certificate>(peer: Subject, caOf: CaOf<Subject>): PeerFacts {
  const { name, groups, issuer } = peer;
  return { name, groups: new Set(groups), issuer, caName: caOf(peer)?.name, debugGroup: debugGroupOf(groups) };
}

/** A CA that the rule names has issued the certificate, by fingerprint or by name; true when it names none. */
export function meansCa(
  { caSha, caName }: Pick<Rule, "caSha" | "caName">,
  { issuer, caName: nameOfCa }: PeerFacts,
): boolean {
  if (caSha === undefined && caName === undefined) return true;
  return (caSha !== undefined && caSha === issuer) || (caName !== undefined && caName === nameOfCa);
}

/** Host, groups and cidr are alternatives; with none of them, or with an "any" among them, the rule means everybody. */
export function meansEverybody({ host, groups, cidr }: Rule): boolean {
  if (host === undefined && groups.length === 0 && cidr === undefined) return true;
  return host === "any" || groups.includes("any") || cidr === "any";
}

export function meansHost({ host }: Rule, { name }: PeerFacts): boolean {
  return host !== undefined && host === name;
}

/** The certificate carries every group that the rule lists. */
export function meansGroups(rule: Pick<Rule, "groups">, { groups }: PeerFacts): boolean {
  return rule.groups.length > 0 && rule.groups.every((group) => groups.has(group));
}

/** A guest is meant by its own group, and neither as everybody nor by its name or address. */
export function meansGuest(rule: Pick<Rule, "groups">, peer: PeerFacts): boolean {
  return peer.debugGroup !== undefined && rule.groups.includes(peer.debugGroup) && meansGroups(rule, peer);
}
