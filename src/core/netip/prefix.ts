import { addressBytes, addressFromBytes, compareAddresses, familyOf, type IpAddress, parseAddress } from "./address.ts";

/** An address with a prefix length. Host bits may be set: "10.77.1.2/16" is a host in its network. */
export interface Prefix {
  readonly address: IpAddress;
  readonly bits: number;
}

/** Reads "address/bits"; undefined when it is none or when the length does not fit the family. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf("/");
  if (slash < 0) return undefined;
  const address = parseAddress(text.slice(0, slash));
  const length = text.slice(slash + 1);
  if (!address || !/^(0|[1-9]\d{0,2})$/.test(length)) return undefined;
  const bits = Number(length);
  return bits <= widthOf(address) ? { address, bits } : undefined;
}

export function formatPrefix(prefix: Prefix): string {
  return `${prefix.address}/${prefix.bits}`;
}

/** The prefix with its host bits cleared. */
export function masked(prefix: Prefix): Prefix {
  const bytes = addressBytes(prefix.address);
  for (let i = 0; i < bytes.length; i++) {
    const keep = Math.min(Math.max(prefix.bits - 8 * i, 0), 8);
    bytes[i] = (bytes[i] ?? 0) & (0xff << (8 - keep));
  }
  return { address: addressFromBytes(bytes) as IpAddress, bits: prefix.bits };
}

/** Whether the address lies in the prefix. Families never match each other. */
export function contains(prefix: Prefix, address: IpAddress): boolean {
  const network = addressBytes(prefix.address);
  const bytes = addressBytes(address);
  if (network.length !== bytes.length) return false;
  const whole = prefix.bits >> 3;
  for (let i = 0; i < whole; i++) if (network[i] !== bytes[i]) return false;
  const rest = prefix.bits & 7;
  return rest === 0 || ((network[whole] ?? 0) ^ (bytes[whole] ?? 0)) >> (8 - rest) === 0;
}

/** IPv4 before IPv6, then address, then length: the order of networks in a v2 certificate (protocol 4.3). */
export function comparePrefixes(a: Prefix, b: Prefix): number {
  return compareAddresses(a.address, b.address) || a.bits - b.bits;
}

function widthOf(address: IpAddress): 32 | 128 {
  return familyOf(address) === 4 ? 32 : 128;
}
