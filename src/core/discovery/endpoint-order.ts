import { compareAddresses, familyOf } from "../netip/address.ts";
import { type Endpoint, endpointAddress, endpointPort } from "../netip/endpoint.ts";
import { contains, type Prefix } from "../netip/prefix.ts";
import { isPrivate } from "../netip/special.ts";

/**
 * The order in which endpoints are tried and reported (protocol 5.9): preferred ranges, then private ones that are near, then IPv6 before IPv4, then public before private
 * IPv4, then by address and port. Duplicates are left out.
 */
export function orderEndpoints(
  endpoints: Iterable<Endpoint>,
  preferred: readonly Prefix[],
  near: readonly Prefix[] = [],
): readonly Endpoint[] {
  const ranked = [...new Set(endpoints)].map((endpoint) => ({ endpoint, rank: rankOf(endpoint, preferred, near) }));
  ranked.sort((a, b) => a.rank - b.rank || compareEndpoints(a.endpoint, b.endpoint));
  return ranked.map(({ endpoint }) => endpoint);
}

/** Whether it lies in one of the ranges that are tried first and moved to. */
export function isPreferred(endpoint: Endpoint, preferred: readonly Prefix[]): boolean {
  const address = endpointAddress(endpoint);
  return preferred.some((prefix) => contains(prefix, address));
}

function rankOf(endpoint: Endpoint, preferred: readonly Prefix[], near: readonly Prefix[]): number {
  const address = endpointAddress(endpoint);
  if (!isPreferred(endpoint, preferred) && isPreferred(endpoint, near)) return 3;
  const base = isPreferred(endpoint, preferred) ? 0 : 4;
  if (familyOf(address) === 6) return base;
  return base + (isPrivate(address) ? 2 : 1);
}

function compareEndpoints(a: Endpoint, b: Endpoint): number {
  return compareAddresses(endpointAddress(a), endpointAddress(b)) || endpointPort(a) - endpointPort(b);
}
