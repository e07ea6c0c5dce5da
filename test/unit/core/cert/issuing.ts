import {
  type Authority,
  createAuthority,
  generateHostKey,
  type HostRequest,
  issue,
  parsePrefix,
} from "../../../../certs/index.ts";
import { type WallTime, wallTime } from "../../../../src/core/base/time.ts";
import type { Certificate } from "../../../../src/core/cert/certificate.ts";
import type { Prefix } from "../../../../src/core/netip/prefix.ts";

/** 2026-11-20T12:00:00Z, in seconds: the present of these tests. */
export const NOW = 1_795_176_000n;
export const DAY = 86_400n;

export function atSeconds(seconds: bigint): WallTime {
  return wallTime(seconds * 1_000_000_000n);
}

export function prefixes(...texts: readonly string[]): Prefix[] {
  return texts.map((text) => {
    const prefix = parsePrefix(text);
    if (!prefix) throw new Error(`not a prefix: ${text}`);
    return prefix;
  });
}

type AuthorityOptions = Partial<Omit<Parameters<typeof createAuthority>[0], "networks" | "unsafeNetworks">> & {
  readonly networks?: readonly string[];
  readonly unsafeNetworks?: readonly string[];
};

/** An authority that is valid from a year ago for ten. */
export function authorityFor({ networks = [], unsafeNetworks = [], ...options }: AuthorityOptions = {}): Authority {
  const made = createAuthority({
    name: "test ca",
    notBefore: NOW - 365n * DAY,
    notAfter: NOW + 3650n * DAY,
    networks: prefixes(...networks),
    unsafeNetworks: prefixes(...unsafeNetworks),
    ...options,
  });
  if (!made.ok) throw new Error(JSON.stringify(made.reason));
  return made.value.authority;
}

type HostOptions = Partial<Omit<HostRequest, "networks" | "unsafeNetworks">> & {
  readonly networks?: readonly string[];
  readonly unsafeNetworks?: readonly string[];
};

/** A host's certificate for 90 days. The authority's own limits are not asked: tests of the verifier need what no issuer makes. */
export function hostOf(
  authority: Authority,
  { networks = ["10.77.1.2/16"], unsafeNetworks = [], ...options }: HostOptions = {},
): Certificate {
  const limitless = { groups: [], networks: [], unsafeNetworks: [], notBefore: -(2n ** 62n), notAfter: 2n ** 62n };
  const issued = issue(
    { ...authority, certificate: { ...authority.certificate, ...limitless } },
    {
      name: "host",
      publicKey: generateHostKey(authority.certificate.curve).publicKey,
      curve: authority.certificate.curve,
      notBefore: NOW - 30n * DAY,
      notAfter: NOW + 90n * DAY,
      networks: prefixes(...networks),
      unsafeNetworks: prefixes(...unsafeNetworks),
      ...options,
    },
  );
  if (!issued.ok) throw new Error(JSON.stringify(issued.reason));
  return issued.value;
}
