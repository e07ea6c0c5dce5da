import type { LiveSettings } from "../core/config/settings.ts";
import type { IpAddress } from "../core/netip/address.ts";
import { formatPrefix, masked } from "../core/netip/prefix.ts";
import { hostRoutes } from "../core/route/host-routes.ts";

/** Whether an address is one of the overlay as this host knows it: in its networks, or behind a host. */
export function isOverlay({ identity, tun }: LiveSettings, address: IpAddress): boolean {
  const { networks, unsafeNetworks } = identity.credential;
  const routes = hostRoutes({ networks, unsafeNetworks, unsafeRoutes: tun.unsafeRoutes });
  return routes.lookUp(address) !== undefined;
}

/** The networks of this host, for people. */
export function overlayNetworks({ identity }: LiveSettings): string {
  return identity.credential.networks.map((network) => formatPrefix(masked(network))).join(", ");
}
