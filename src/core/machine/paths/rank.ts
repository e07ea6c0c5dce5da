import { utf8Encode } from "../../base/bytes.ts";
import { fnv1a } from "../../base/fnv.ts";
import { addressBytes, compareAddresses, type IpAddress } from "../../netip/address.ts";
import type { Place } from "../../path/place.ts";

/**
 * The order in which two hosts prefer relays that are equally good: the same on both sides, so that both take the same one, and another one for other
 * pairs, so that each relay gets its share.
 */
export function rankOf(own: IpAddress | undefined, peer: IpAddress, place: Place): number {
  const pair = own === undefined ? [peer] : [own, peer].sort(compareAddresses);
  return scattered(fnv1a(...pair.map(addressBytes), utf8Encode(place)));
}

/** Names that differ in their last byte only have neighbouring digests, which would order all pairs alike. */
function scattered(digest: number): number {
  const mixed = Math.imul(digest ^ (digest >>> 15), 0x2c1b_3c6d);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
