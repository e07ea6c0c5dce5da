import { addressBytes, familyOf, type IpAddress, v4Number } from "./address.ts";

// Addresses that are not just any host's, each range in this one place.

/** RFC 1918 and unique local addresses (RFC 4193). */
export function isPrivate(address: IpAddress): boolean {
  const v4 = v4Number(address);
  if (v4 === undefined) return ((addressBytes(address)[0] ?? 0) & 0xfe) === 0xfc;
  return v4 >>> 24 === 10 || v4 >>> 20 === 0xac1 || v4 >>> 16 === 0xc0a8;
}

/** 100.64.0.0/10 (RFC 6598): many customers of one carrier share it behind a translator. Nobody's own, and nobody's to reach from outside. */
export function isCarrierShared(address: IpAddress): boolean {
  const v4 = v4Number(address);
  return v4 !== undefined && v4 >>> 22 === 0x191;
}

/** Neither of a private network nor of a carrier's: whoever has it can be reached from outside, as far as filters let him. */
export function isPublic(address: IpAddress): boolean {
  return !isPrivate(address) && !isCarrierShared(address);
}

/** 224.0.0.0/4 and ff00::/8. */
export function isMulticast(address: IpAddress): boolean {
  const v4 = v4Number(address);
  return v4 === undefined ? addressBytes(address)[0] === 0xff : v4 >>> 28 === 14;
}

/** 255.255.255.255: everybody on the link (RFC 919). */
export function isLimitedBroadcast(address: IpAddress): boolean {
  return address === "255.255.255.255";
}

/** 240.0.0.0/4 (RFC 1112), with the limited broadcast address at its end. */
export function isReserved(address: IpAddress): boolean {
  const v4 = v4Number(address);
  return v4 !== undefined && v4 >>> 28 === 15;
}

/** 127.0.0.0/8 and ::1: this machine, whichever that is. */
export function isLoopback(address: IpAddress): boolean {
  const v4 = v4Number(address);
  return v4 === undefined ? address === "::1" : v4 >>> 24 === 127;
}

/** 0.0.0.0/8 and ::, with what else is an IPv4 address in the deprecated IPv6 notation (::/96): this host, or none; not ::1. */
export function isUnspecified(address: IpAddress): boolean {
  const v4 = v4Number(address);
  if (v4 !== undefined) return v4 >>> 24 === 0;
  return address !== "::1" && !addressBytes(address).subarray(0, 12).some(Boolean);
}

/** fe80::/10: means something only together with an interface, which no endpoint names. */
export function isLinkLocal6(address: IpAddress): boolean {
  const [first = 0, second = 0] = addressBytes(address);
  return address.includes(":") && first === 0xfe && second >> 6 === 2;
}

/** Whether a datagram can be sent to it at all: to no group, to no range that nobody has, and where no interface has to be named. */
export function isSendable(address: IpAddress): boolean {
  return !isUnspecified(address) && !isMulticast(address) && !isReserved(address) && !isLinkLocal6(address);
}

/** Which addresses a socket that is bound there can send to: one for all of IPv6 takes IPv4 as well. */
export function familiesOf(bound: IpAddress): ReadonlySet<4 | 6> {
  return bound === "::" ? new Set([4, 6]) : new Set([familyOf(bound)]);
}

/**
 * Whether this can be the address of one other machine on the underlay: not loopback, not "this network" (0.0.0.0/8), not link-local, which
 * means something only together with an interface, not multicast, not reserved, not an IPv4 address in the deprecated IPv6 notation (::/96).
 * Every address that somebody else has named passes through here before anything is sent to it; who is to be reached under which of them is
 * for the caller to know.
 */
export function isMachine(address: IpAddress): boolean {
  if (!isSendable(address) || isLoopback(address)) return false;
  const v4 = v4Number(address);
  return v4 === undefined || v4 >>> 16 !== 0xa9fe;
}
