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

/** 240.0.0.0/4 (RFC 1112), with the limited broadcast address at its end. */
export function isReserved(address: IpAddress): boolean {
  const [first = 0] = addressBytes(address);
  return familyOf(address) === 4 && first >> 4 === 15;
}
