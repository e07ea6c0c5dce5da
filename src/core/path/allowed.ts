import type { IpAddress } from "../netip/address.ts";
import type { AllowedRemotes } from "../netip/allow-list.ts";
import { endpointAddress } from "../netip/endpoint.ts";
import { isCarried } from "./carried.ts";
import type { Path } from "./path.ts";

/**
 * Whether a peer may be there; whoever it is, while `peer` is not known. What comes through a relay comes from where the relay is, and what comes over
 * TCP from where that connection was let in.
 */
export function isAllowedPath(allowed: AllowedRemotes, path: Path, peer?: readonly IpAddress[]): boolean {
  if (path.kind === "relayed" || isCarried(path.endpoint)) return true;
  const address = endpointAddress(path.endpoint);
  return peer ? allowed.allows(peer, address) : allowed.allowsAnybody(address);
}
