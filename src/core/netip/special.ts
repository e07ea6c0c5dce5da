import { addressBytes, familyOf, type IpAddress } from "./address.ts";

// Addresses that are not just any host's, each range in this one place.

/** RFC 1918 and unique local addresses (RFC 4193). */
export function isPrivate(address: IpAddress): boolean {
  const [first = 0, second = 0] = addressBytes(address);
  if (familyOf(address) === 6) return (first & 0xfe) === 0xfc;
  return first === 10 || (first === 172 && second >> 4 === 1) || (first === 192 && second === 168);
}

/** 100.64.0.0/10 (RFC 6598): many customers of one carrier share it behind a translator. Nobody's own, and nobody's to reach from outside. */
export function isCarrierShared(address: IpAddress): boolean {
  const [first = 0, second = 0] = addressBytes(address);
  return familyOf(address) === 4 && first === 100 && second >> 6 === 1;
}

/** 224.0.0.0/4 and ff00::/8. */
export function isMulticast(address: IpAddress): boolean {
  const [first = 0] = addressBytes(address);
  return familyOf(address) === 4 ? first >> 4 === 14 : first === 0xff;
}

/** 255.255.255.255: everybody on the link (RFC 919). */
export function isLimitedBroadcast(address: IpAddress): boolean {
  return address === "255.255.255.255";
}

/** 240.0.0.0/4 (RFC 1112), with the limited broadcast address at its end. */
export function isReserved(address: IpAddress): boolean {
  const [first = 0] = addressBytes(address);
  return familyOf(address) === 4 && first >> 4 === 15;
}

/** 127.0.0.0/8 and ::1: this machine, whichever that is. */
export function isLoopback(address: IpAddress): boolean {
  return familyOf(address) === 4 ? addressBytes(address)[0] === 127 : address === "::1";
}

/**
 * Whether this can be the address of one other machine on the underlay: not loopback, not "this network" (0.0.0.0/8), not link-local, which
 * means something only together with an interface, not multicast, not reserved, not an IPv4 address in the deprecated IPv6 notation (::/96).
 * Every address that somebody else has named passes through here before anything is sent to it; who is to be reached under which of them is
 * for the caller to know.
 */
export function isMachine(address: IpAddress): boolean {
  const bytes = addressBytes(address);
  const [first = 0, second = 0] = bytes;
  if (isMulticast(address) || isLoopback(address)) return false;
  if (familyOf(address) === 6) return !(first === 0xfe && second >> 6 === 2) && bytes.subarray(0, 12).some(Boolean);
  return first !== 0 && !isReserved(address) && !(first === 169 && second === 254);
}
