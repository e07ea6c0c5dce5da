import type { IpAddress } from "../netip/address.ts";
import { hasPort, hasProtocol } from "../netip/service.ts";
import { meansDestination, meansSource } from "./meaning.ts";
import type { AccessRule, AllowedService, HostFacts, PolicyBody } from "./policy.ts";

/** A packet that would open a flow, and whose it is. */
export interface PolicyPacket {
  readonly source: HostFacts;
  readonly destination: HostFacts;
  readonly sourceAddress: IpAddress;
  readonly destinationAddress: IpAddress;
  readonly protocol: number;
  readonly destinationPort: number;
  /** As `icmpMessage` numbers it. */
  readonly icmpMessage?: number;
}

export type PolicyVerdict =
  | { readonly passes: true; readonly rule: AccessRule; readonly isAudited: boolean }
  /** Without a rule: everything passes for now. */
  | { readonly passes: true; readonly rule: undefined; readonly isAudited: true }
  | { readonly passes: false };

/** What a policy says about a packet, straight from its text: what every host's compiled rules are held against. */
export function evaluate(policy: PolicyBody, packet: PolicyPacket): PolicyVerdict {
  const rules = policy.rules.filter((rule) => means(rule, packet));
  const enforced = rules.find(({ mode }) => mode === "enforce");
  if (enforced) return { passes: true, rule: enforced, isAudited: false };
  const [audited] = rules;
  if (audited) return { passes: true, rule: audited, isAudited: true };
  return policy.mode === "audit" ? { passes: true, rule: undefined, isAudited: true } : { passes: false };
}

function means({ from, to, allow }: AccessRule, packet: PolicyPacket): boolean {
  const { source, destination, sourceAddress, destinationAddress } = packet;
  return (
    from.some((party) => meansSource(party, source, sourceAddress)) &&
    to.some((party) => meansDestination(party, destination, destinationAddress)) &&
    allow.some((service) => isOf(service, packet))
  );
}

function isOf(service: AllowedService, { protocol, destinationPort, icmpMessage }: PolicyPacket): boolean {
  if (!hasProtocol(service, protocol) || !hasPort(service, protocol, destinationPort)) return false;
  return service.icmpTypes.length === 0 || (icmpMessage !== undefined && service.icmpTypes.includes(icmpMessage));
}
