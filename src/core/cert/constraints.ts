import { formatPrefix, type Prefix, prefixesAround } from "../netip/prefix.ts";
import type { Certificate } from "./certificate.ts";

/** How a certificate goes beyond what its CA may sign. */
export interface Excess {
  readonly code: "outlives-ca" | "group-not-allowed" | "network-not-allowed" | "unsafe-network-not-allowed";
  readonly text: string;
}

type Constrained = Pick<Certificate, "notBefore" | "notAfter" | "groups" | "networks" | "unsafeNetworks">;

/**
 * The limits of a CA (protocol 4.9, step 6): its lifetime always; its groups, networks and unsafe networks each only when it lists any. The
 * issuer asks the same question before it signs.
 */
export function excessOver(ca: Constrained, certificate: Constrained): Excess | undefined {
  if (certificate.notAfter > ca.notAfter) return { code: "outlives-ca", text: "it expires after its CA" };
  if (certificate.notBefore < ca.notBefore) return { code: "outlives-ca", text: "it is valid before its CA" };

  const groups = new Set(ca.groups);
  const group = groups.size === 0 ? undefined : certificate.groups.find((name) => !groups.has(name));
  if (group !== undefined) {
    return { code: "group-not-allowed", text: `its CA does not sign for the group ${JSON.stringify(group)}` };
  }
  const network = firstOutside(ca.networks, certificate.networks);
  if (network) {
    return { code: "network-not-allowed", text: `its CA does not sign for the network ${formatPrefix(network)}` };
  }
  const unsafe = firstOutside(ca.unsafeNetworks, certificate.unsafeNetworks);
  if (unsafe) {
    return {
      code: "unsafe-network-not-allowed",
      text: `its CA does not sign for the unsafe network ${formatPrefix(unsafe)}`,
    };
  }
  return undefined;
}

/** The address must lie inside an allowed prefix, and the prefix length may not be shorter than that one's. */
function firstOutside(allowed: readonly Prefix[], prefixes: readonly Prefix[]): Prefix | undefined {
  if (allowed.length === 0) return undefined;
  const isInside = prefixesAround(allowed);
  return prefixes.find((prefix) => !isInside(prefix));
}
