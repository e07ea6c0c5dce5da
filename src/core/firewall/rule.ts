import type { RuleProtocol } from "../dataplane/contract.ts";
import type { Prefix } from "../netip/prefix.ts";

/**
 * One allow rule as configured (protocol 9.4). It matches when
 * protocol AND port AND (caSha OR caName, if given) AND (host OR groups OR cidr, if given).
 */
export interface Rule {
  /** Position in its list, from 0. */
  readonly ruleId: number;
  readonly protocol: RuleProtocol;
  /** Inclusive; 0..65535 is any. */
  readonly portFirst: number;
  readonly portLast: number;
  /** Exact certificate name, or "any". */
  readonly host: string | undefined;
  /** All of them must be in the certificate; one of them "any" matches every certificate. Empty: not given. */
  readonly groups: readonly string[];
  readonly cidr: Prefix | "any" | undefined;
  readonly caName: string | undefined;
  readonly caSha: string | undefined;
  /** Where it stands, for explanations: "config.yml:18". */
  readonly place: string;
}
