import type { IpAddress } from "../netip/address.ts";
import type { AllowRule, RemoteAllowList } from "../netip/allow-list.ts";
import type { Endpoint } from "../netip/endpoint.ts";
import type { Prefix } from "../netip/prefix.ts";
import type { Path } from "./path.ts";

/**
 * Loopback addresses that stand for hosts at the other end of TCP connections: to the data plane a connection is a socket of this machine at one of
 * them. A packet with such an address never comes from outside (RFC 1122 3.2.1.3), and no host is ever told of one.
 */
const CARRIED: Prefix = { address: "127.76.0.0" as IpAddress, bits: 16 };

/** Hosts that have an address of their own at the same time, 0.0 left out. */
export const CARRIED_ADDRESSES_MAX = 65_535;

/** Whether this is no place of the underlay, but a TCP connection. */
export function isCarried(at: Endpoint): boolean {
  return at.startsWith("127.76.");
}

/** Whether a path leads over a TCP connection. */
export function isOverTcp(path: Path | undefined): boolean {
  return path?.kind === "direct" && isCarried(path.endpoint);
}

/** The address of this number, from 1. Neighbours are in different /24: what is counted by networks counts each of them for itself. */
export function carriedAddress(number: number): IpAddress {
  return `127.76.${number & 255}.${(number >> 8) & 255}` as IpAddress;
}

/** An allow list as the data plane gets it: who may come over TCP is asked where the connection is made, of the address that it comes from. */
export function withCarried({ everybody, ranges }: RemoteAllowList): RemoteAllowList {
  const add = (rules: readonly AllowRule[]): readonly AllowRule[] =>
    rules.length === 0 ? rules : [...rules, { prefix: CARRIED, allowed: true }];
  return { everybody: add(everybody), ranges: ranges.map(({ overlay, rules }) => ({ overlay, rules: add(rules) })) };
}
