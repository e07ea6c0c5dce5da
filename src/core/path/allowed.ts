import type { IpAddress } from "../netip/address.ts";
import type { AllowedRemotes } from "../netip/allow-list.ts";
import { endpointAddress } from "../netip/endpoint.ts";
import type { Path } from "./path.ts";

/** Whether a peer may be there; whoever it is, while `peer` is not known. What comes through a relay comes from where the relay is. */
export function isAllowedPath(allowed: AllowedRemotes, path: Path, peer?: readonly IpAddress[]): boolean {
  if (path.kind === "relayed") return true;
  const address = endpointAddress(path.endpoint);
  return peer ? allowed.allows(peer, address) : allowed.allowsAnybody(address);
}
