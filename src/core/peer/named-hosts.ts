import type { IpAddress } from "../netip/address.ts";
import type { Peers } from "./peer.ts";

/**
 * Overlay addresses of the host with this name in its certificate, if this host has a tunnel with it or is it. As it is written, else but for capital
 * letters: DNS knows none.
 */
export function addressesOfNamed(
  name: string,
  own: { readonly name: string; readonly addresses: readonly IpAddress[] },
  peers: Peers,
): readonly IpAddress[] | undefined {
  const lower = name.toLowerCase();
  let alike: readonly IpAddress[] | undefined;
  for (const { peer, addresses } of peers.primaries()) {
    if (peer.name === name) return addresses;
    if (alike === undefined && peer.name.toLowerCase() === lower) alike = addresses;
  }
  return alike ?? (own.name.toLowerCase() === lower ? own.addresses : undefined);
}
