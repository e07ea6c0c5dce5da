import type { Settings } from "../../../core/config/settings.ts";
import { endpointAddress, endpointPort } from "../../../core/netip/endpoint.ts";
import { formatPrefix, type Prefix } from "../../../core/netip/prefix.ts";
import type { DataPlaneSnapshot } from "../contract/codec.ts";

/** What a device of no system is called: no name that a system would give one. */
export const USER_SPACE_DEVICE = "(user space)";

/** Whether nothing has been opened there yet. */
export function isFresh({ tun, udp }: DataPlaneSnapshot): boolean {
  return tun === undefined && udp === undefined;
}

/**
 * Why a running data plane cannot be taken over for these settings: what would have to be opened again, by key. Empty: it can. What the
 * settings leave to the operating system, any device or port satisfies; the MTU is set on the device that stands.
 */
export function differences({ tun, udp }: DataPlaneSnapshot, { boot, live }: Settings): readonly string[] {
  const wanted = boot.tun;
  const { host, port } = boot.listen;
  const networks = live.identity.credential.networks;
  return [
    ...(wanted.disabled === (tun === undefined) ? [] : ["tun.disabled"]),
    ...(!tun || wanted.inUserSpace === (tun.name === USER_SPACE_DEVICE) ? [] : ["tun.user"]),
    ...(!tun || wanted.inUserSpace || wanted.device === "" || wanted.device === tun.name ? [] : ["tun.dev"]),
    ...(!tun || samePrefixes(networks, tun.addresses) ? [] : ["pki.cert"]),
    ...(udp && endpointAddress(udp) === host ? [] : ["listen.host"]),
    ...(udp && (port === 0 || port === endpointPort(udp)) ? [] : ["listen.port"]),
  ];
}

function samePrefixes(a: readonly Prefix[], b: readonly Prefix[]): boolean {
  const text = (prefixes: readonly Prefix[]): string => prefixes.map(formatPrefix).sort().join(" ");
  return text(a) === text(b);
}
