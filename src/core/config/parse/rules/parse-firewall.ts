import type { Certificate } from "../../../cert/certificate.ts";
import type { Identity } from "../../../cert/identity.ts";
import type { RefusalAction } from "../../../dataplane/contract.ts";
import type { Ruleset } from "../../../firewall/rule.ts";
import { masked, type Prefix } from "../../../netip/prefix.ts";
import type { Findings } from "../../document/findings.ts";
import type { ConfigReader } from "../reader.ts";
import { warnOfCovered } from "./covered.ts";
import { doubtRules } from "./doubts.ts";
import { type ParsedRule, parseRules } from "./parse-rules.ts";
import { checkReach } from "./reach.ts";

/** `firewall`, without what depends on this host's certificate. */
export interface ParsedFirewall {
  readonly inbound: readonly ParsedRule[];
  readonly outbound: readonly ParsedRule[];
  readonly refuse: Ruleset["refuse"];
  readonly defaultLocalAny: boolean;
}

export function parseFirewall(live: ConfigReader, findings: Findings): ParsedFirewall {
  const [inbound = [], outbound = []] = ["firewall.inbound", "firewall.outbound"].map((path) => {
    const rules = parseRules(live.given(path)?.node, path, findings);
    doubtRules(rules, findings);
    warnOfCovered(rules, findings);
    return rules;
  });
  return {
    inbound,
    outbound,
    refuse: {
      inbound: live.choice<RefusalAction>("firewall.inbound_action"),
      outbound: live.choice<RefusalAction>("firewall.outbound_action"),
    },
    defaultLocalAny: live.boolean("firewall.default_local_cidr_any"),
  };
}

/** The rules of this host. Those that cannot match anybody whom it could meet are warned of. */
export function assembleFirewall(
  { inbound, outbound, refuse, defaultLocalAny }: ParsedFirewall,
  { identity, routed }: { readonly identity: Identity; readonly routed: readonly Prefix[] },
  findings: Findings,
): Ruleset {
  const { networks, unsafeNetworks } = identity.credential;
  const authorities = [...identity.pool.authorities.values()];
  checkReach({ inbound, outbound }, { authorities, networks, unsafeNetworks, routed }, findings);
  return {
    inbound: inbound.map(({ rule }) => rule),
    outbound: outbound.map(({ rule }) => rule),
    refuse,
    defaultLocal: defaultLocalOf({ networks, unsafeNetworks }, { any: defaultLocalAny }),
  };
}

/**
 * What rules without `local_cidr` mean (protocol 9.4): everything, but on a host before other networks only itself, so that a rule which lets
 * somebody reach this host does not let him reach what lies behind it.
 */
export function defaultLocalOf(
  { networks, unsafeNetworks }: Pick<Certificate, "networks" | "unsafeNetworks">,
  { any }: { readonly any: boolean },
): readonly Prefix[] {
  return any || unsafeNetworks.length === 0 ? [] : networks.map(masked);
}
