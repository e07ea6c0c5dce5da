import type { Host } from "../../core/config/settings.ts";
import { isHeardAt } from "../../core/discovery/underlay.ts";
import type { IpAddress } from "../../core/netip/address.ts";
import { type LanOverlap, overlapText } from "../../core/operator/lan-overlap-text.ts";
import type { Health } from "../service.ts";

/** Networks of this machine that the overlay's addresses are in. */
export function overlapHealth(overlaps: readonly LanOverlap[]): readonly Health[] {
  return overlaps.slice(0, OVERLAPS_MAX).map((overlap) => ({
    code: "overlay-over-lan",
    severity: overlap.wins && !overlap.tunnel ? "error" : "warning",
    ...overlapText(overlap),
    about: overlap.device,
  }));
}

/** Hosts of containers have dozens of devices. */
const OVERLAPS_MAX = 8;

/** A socket that listens on all of IPv4 sends nothing where there is only IPv6. */
export function familyHealth(addresses: readonly IpAddress[], listen: Host): readonly Health[] {
  if (addresses.length === 0 || listen !== "0.0.0.0" || addresses.some((address) => isHeardAt(listen, address)))
    return [];
  return [
    {
      code: "family-mismatch",
      severity: "error",
      text: "listen.host is 0.0.0.0, which is IPv4 only, and this machine has only IPv6 addresses: nothing can be sent",
      todo: 'write listen.host: "::", for both families, and restart lacis',
    },
  ];
}
