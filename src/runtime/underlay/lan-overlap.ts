import { addressBytes, familyOf } from "../../core/netip/address.ts";
import { formatPrefix, masked, overlaps, type Prefix } from "../../core/netip/prefix.ts";
import type { LanOverlap } from "../../core/operator/lan-overlap-text.ts";
import { isTunnel } from "./interface-class.ts";
import type { Interface, Surroundings } from "./interfaces.ts";

/**
 * Networks that this machine is in, beside the overlay's own device, that overlap the overlay. The longer prefix wins; among equals the kernel takes
 * whichever was there first. `overlay`: our overlay addresses, each with its network's length. Where the overlay has no device here, nothing of this
 * machine's goes there in any case, and another tunnel is as good as none.
 */
export function lanOverlaps(
  { interfaces }: Surroundings,
  overlay: readonly Prefix[],
  hasDevice: boolean,
): readonly LanOverlap[] {
  return interfaces.flatMap((each) => {
    const tunnel = isTunnel(each);
    if (isOwn(each, overlay) || (tunnel && !hasDevice)) return [];
    return each.addresses.flatMap((lan) => {
      // An address of one host is no network that others could be in.
      if (lan.bits === 8 * addressBytes(lan.address).length) return [];
      const hit = overlay.find((own) => familyOf(own.address) === familyOf(lan.address) && overlaps(own, lan));
      if (!hit) return [];
      const wins = hasDevice && lan.bits >= hit.bits;
      return { device: each.name, lan: networkText(lan), overlay: networkText(hit), wins, tunnel };
    });
  });
}

/** The overlay's own device, as far as anybody can tell. */
function isOwn({ kind, addresses }: Interface, overlay: readonly Prefix[]): boolean {
  if (kind !== undefined && kind !== "tun") return false;
  return addresses.some(({ address }) => overlay.some((own) => own.address === address));
}

function networkText(prefix: Prefix): string {
  return formatPrefix(masked(prefix));
}
