import type { Direction, PolicyProgram, RuleProtocol } from "../dataplane/contract.ts";
import type { Prefix } from "../netip/prefix.ts";

/**
 * One allow rule as configured (protocol 9.4). It matches when
 * protocol AND port AND (caSha OR caName, if given) AND (host OR groups OR cidr, if given) AND localCidr.
 */
export interface Rule {
  /** Position in its list, from 0. */
  readonly ruleId: number;
  readonly protocol: RuleProtocol;
  /** Inclusive; 0..65535 is any. */
  readonly portFirst: number;
  readonly portLast: number;
  /** Only fragments after the first, which have no ports (`port: fragment`). */
  readonly fragment: boolean;
  /** Of an ICMP rule, the messages that it means, as `icmpMessage` numbers them. Empty: all. */
  readonly icmpTypes: readonly number[];
  /** Exact certificate name, or "any". */
  readonly host: string | undefined;
  /** All of them must be in the certificate; one of them "any" matches every certificate. Empty: not given. */
  readonly groups: readonly string[];
  readonly cidr: Prefix | "any" | undefined;
  /** Where the local address lies. Not given: in `Ruleset.defaultLocal`. */
  readonly localCidr: Prefix | "any" | undefined;
  readonly caName: string | undefined;
  readonly caSha: string | undefined;
  /** Where it stands, for explanations: "config.yml:18:7". */
  readonly place: string;
  /** It is about to go (docs/POLICY.md): what it lets through is told, since it would be refused without it. */
  readonly audit?: true;
}

/** The parts of a rule that all have to match. "peer": host, groups and cidr together, of which one suffices. */
export type RulePart = "protocol" | "icmp-type" | "port" | "ca" | "peer" | "local";

/** The rules of both directions. */
export type RuleLists = Readonly<Record<Direction, readonly Rule[]>>;

/** The rules as configured. No rule, no packet: the default is to refuse in both directions. */
export interface Ruleset extends RuleLists {
  /** How is refused what no rule allows. */
  readonly refuse: PolicyProgram["refuse"];
  /** Local addresses that a rule without `localCidr` means; empty: all. */
  readonly defaultLocal: readonly Prefix[];
}
