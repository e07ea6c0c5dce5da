import type { Settings } from "../config/settings.ts";
import { formatPrefix, masked, type Prefix } from "../netip/prefix.ts";

/** What the operating system is to know about the device: its MTU, its addresses, and routes through it. */
export interface SystemRoutes {
  readonly mtu: number;
  /** With the lengths of their networks. */
  readonly addresses: readonly Prefix[];
  /** This host's own networks, for which the system has a route already; only their MTU is ours to say. */
  readonly connected: readonly { readonly prefix: Prefix; readonly mtu: number }[];
  readonly routes: readonly SystemRoute[];
}

export interface SystemRoute {
  readonly prefix: Prefix;
  /** 0: the system's choice. */
  readonly metric: number;
  /** 0: that of the device. */
  readonly mtu: number;
}

/** What follows from a configuration. The device has the largest MTU of all, and every route says its own where it is another (protocol 10.4). */
export function systemRoutesOf({ live }: Pick<Settings, "live">): SystemRoutes {
  const { tun, identity } = live;
  const installed = tun.unsafeRoutes.filter(({ install }) => install);
  const given = [...tun.routes, ...installed].flatMap(({ mtu }) => mtu ?? []);
  const largest = Math.max(tun.mtu, ...given);
  const unlessLargest = (mtu: number): number => (mtu === largest ? 0 : mtu);
  const networks = identity.credential.networks.map(masked);
  const mtuOf = new Map(tun.routes.map(({ prefix, mtu }) => [formatPrefix(prefix), mtu]));
  const isConnected = new Set(networks.map(formatPrefix));
  return {
    mtu: largest,
    addresses: identity.credential.networks,
    connected: networks.map((prefix) => ({ prefix, mtu: unlessLargest(mtuOf.get(formatPrefix(prefix)) ?? tun.mtu) })),
    routes: [
      ...tun.routes
        .filter(({ prefix }) => !isConnected.has(formatPrefix(prefix)))
        .map(({ prefix, mtu }) => ({ prefix, metric: 0, mtu: unlessLargest(mtu) })),
      ...installed.map(({ prefix, metric, mtu }) => ({ prefix, metric, mtu: unlessLargest(mtu ?? tun.mtu) })),
    ],
  };
}
