import { compareBytes } from "../base/bytes.ts";
import {
  addressBytes,
  addressFromBytes,
  compareAddresses,
  familyOf,
  type IpAddress,
  parseAddress,
  v4FromNumber,
  v4Number,
} from "./address.ts";

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

/** Several, for people. */
export function formatPrefixes(prefixes: readonly Prefix[]): string {
  return prefixes.map(formatPrefix).join(", ");
}

/** The prefix that holds this one address. */
export function hostPrefix(address: IpAddress): Prefix {
  return { address, bits: widthOf(address) };
}

/** The prefix with its host bits cleared. */
export function masked(prefix: Prefix): Prefix {
  const v4 = v4Number(prefix.address);
  if (v4 !== undefined)
    return { address: v4FromNumber(prefix.bits === 0 ? 0 : v4 & (-1 << (32 - prefix.bits))), bits: prefix.bits };
  const bytes = addressBytes(prefix.address);
  for (let i = 0; i < bytes.length; i++) {
    const keep = Math.min(Math.max(prefix.bits - 8 * i, 0), 8);
    bytes[i] = (bytes[i] ?? 0) & (0xff << (8 - keep));
  }
  return { address: addressFromBytes(bytes) as IpAddress, bits: prefix.bits };
}

/** The last address of an IPv4 network, which means all hosts in it; undefined where none does (IPv6, and links of two: RFC 3021). */
export function broadcastOf(prefix: Prefix): IpAddress | undefined {
  if (familyOf(prefix.address) === 6 || prefix.bits > 30) return undefined;
  const bytes = addressBytes(prefix.address);
  for (let i = 0; i < bytes.length; i++) {
    const keep = Math.min(Math.max(prefix.bits - 8 * i, 0), 8);
    bytes[i] = (bytes[i] ?? 0) | (0xff >> keep);
  }
  return addressFromBytes(bytes);
}

/** Whether the address lies in the prefix. Families never match each other. */
export function contains(prefix: Prefix, address: IpAddress): boolean {
  const v4 = v4Number(address);
  if (v4 !== undefined) {
    const network = v4Number(prefix.address);
    // A shift by 32 moves nothing.
    return network !== undefined && (prefix.bits === 0 || (network ^ v4) >>> (32 - prefix.bits) === 0);
  }
  return hasBits(addressBytes(prefix.address), prefix.bits, addressBytes(address));
}

/** Whether they have an address in common: one holds the other. */
export function overlaps(a: Prefix, b: Prefix): boolean {
  return a.bits <= b.bits ? contains(a, b.address) : contains(b, a.address);
}

/** Whether a prefix lies inside any of these. They are read once, however many are asked about. */
export function prefixesAround(outer: readonly Prefix[]): (inner: Prefix) => boolean {
  const networks = outer.map(({ address, bits }) => ({ network: addressBytes(address), bits }));
  return ({ address, bits: innerBits }) => {
    const bytes = addressBytes(address);
    return networks.some(({ network, bits }) => bits <= innerBits && hasBits(network, bits, bytes));
  };
}

function hasBits(network: Uint8Array, bits: number, address: Uint8Array): boolean {
  if (network.length !== address.length) return false;
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (network[i] !== address[i]) return false;
  const rest = bits & 7;
  return rest === 0 || ((network[whole] ?? 0) ^ (address[whole] ?? 0)) >> (8 - rest) === 0;
}

/** IPv4 before IPv6, then address, then length: the order of networks in a v2 certificate (protocol 4.3). */
export function comparePrefixes(a: Prefix, b: Prefix): number {
  return compareAddresses(a.address, b.address) || a.bits - b.bits;
}

/** In the order of `comparePrefixes`. Each address is read once; a list that is in order already is only looked at. */
export function sortedPrefixes(prefixes: readonly Prefix[]): Prefix[] {
  const keyed = prefixes.map((prefix) => ({ prefix, key: addressBytes(prefix.address) }));
  const compare = (a: (typeof keyed)[number], b: (typeof keyed)[number]): number =>
    compareBytes(a.key, b.key) || a.prefix.bits - b.prefix.bits;
  const isInOrder = keyed.every((each, at) => at === 0 || compare(keyed[at - 1] ?? each, each) <= 0);
  if (!isInOrder) keyed.sort(compare);
  return keyed.map(({ prefix }) => prefix);
}

/** How many bits an address of this family has. */
export function widthOf(address: IpAddress): 32 | 128 {
  return familyOf(address) === 4 ? 32 : 128;
}
