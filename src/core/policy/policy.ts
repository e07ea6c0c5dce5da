import type { IpAddress } from "../netip/address.ts";
import type { Prefix } from "../netip/prefix.ts";
import type { Service } from "../netip/service.ts";

/**
 * Who may reach what in the whole network: one document for everybody. What no rule allows is refused, so nothing but rules matters to a host;
 * hosts, tests and the names of services are for those who write it.
 */
export interface Policy extends PolicyBody {
  /** Groups that rules may name. */
  readonly groups: readonly string[];
  readonly hosts: readonly KnownHost[];
  readonly tests: readonly PolicyTest[];
  /** Who must be able to reach every host, whatever becomes of the rules: who could repair them. */
  readonly keep:
    | { readonly place: string; readonly from: readonly string[]; readonly allow: readonly NamedService[] }
    | undefined;
}

/** What hosts go by. */
export interface PolicyBody {
  /** Where it begins: "policy.yaml:1". */
  readonly place: string;
  /** "audit": what no rule allows passes, and is told. */
  readonly mode: PolicyMode;
  /** What hosts send: anything, so that only the host that is called decides, or only what rules allow. */
  readonly outbound: "any" | "rules";
  readonly rules: readonly AccessRule[];
}

export type PolicyMode = "enforce" | "audit";

/** From whom, to whom, which services. */
export interface AccessRule {
  /** Where it stands, for explanations: "policy.yaml:18". */
  readonly place: string;
  readonly from: readonly Party[];
  readonly to: readonly Party[];
  readonly allow: readonly AllowedService[];
  /** "audit": it is about to go. What it alone allows passes, and is told. */
  readonly mode: PolicyMode;
}

/** Whom one end of a rule means. */
export type Party =
  | { readonly kind: "any" }
  /** Whose certificate holds all of them. */
  | { readonly kind: "groups"; readonly groups: readonly string[] }
  | { readonly kind: "host"; readonly name: string }
  /** Whoever has such an address, of its own or behind it. */
  | { readonly kind: "network"; readonly prefix: Prefix };

/** Protocol, ports and, of ICMP, messages as `icmpMessage` numbers them; none of them is all. */
export interface AllowedService extends Service {
  readonly icmpTypes: readonly number[];
}

/** Of a host what rules look at: what its certificate says. */
export interface HostFacts {
  readonly name: string;
  readonly groups: readonly string[];
  readonly addresses: readonly IpAddress[];
  /** What lies behind it. */
  readonly behind: readonly Prefix[];
}

/** A host that the document names, so that it can be tested and planned for. */
export interface KnownHost extends HostFacts {
  readonly place: string;
}

/** What must hold whatever the rules are. */
export interface PolicyTest {
  readonly place: string;
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly allow: readonly NamedService[];
  readonly deny: readonly NamedService[];
}

/** A service as the document calls it. */
export interface NamedService {
  readonly name: string;
  readonly services: readonly AllowedService[];
}
