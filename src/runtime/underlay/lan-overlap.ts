import { addressBytes, familyOf } from "../../core/netip/address.ts";
import { formatPrefix, masked, overlaps, type Prefix } from "../../core/netip/prefix.ts";
import type { LanOverlap } from "../../core/operator/lan-overlap-text.ts";
import type { Surroundings } from "./interfaces.ts";

/**
 * Networks that this machine is in, beside the overlay's own device, that overlap the overlay. The longer prefix wins; among equals the kernel takes
 * whichever was there first. `overlay`: our overlay addresses, each with its network's length.
 */
export function lanOverlaps({ interfaces }: Surroundings, overlay: readonly Prefix[]): readonly LanOverlap[] {
  return interfaces.flatMap(({ name, kind, addresses }) =>
    addresses.flatMap((lan) => {
      // An address of one host is no network that others could be in.
      if (lan.bits === 8 * addressBytes(lan.address).length) return [];
      const hit = overlay.find((own) => familyOf(own.address) === familyOf(lan.address) && overlaps(own, lan));
      if (!hit || (hit.address === lan.address && (kind === undefined || kind === "tun"))) return [];
      return { device: name, lan: networkText(lan), overlay: networkText(hit), wins: lan.bits >= hit.bits };
    }),
  );
}

function networkText(prefix: Prefix): string {
  return formatPrefix(masked(prefix));
}
