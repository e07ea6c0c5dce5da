import type { Brand } from "../base/brand.ts";
import { compareBytes, writeUint32 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";

/**
 * An IP address as its canonical text ("10.77.0.1", "fd00:77::2"; RFC 5952), so that it can be compared with ===, used as a map key and
 * printed. IPv4-mapped IPv6 is unmapped on the way in (reliability R32); zones do not exist here.
 */
export type IpAddress = Brand<string, "IpAddress">;

export type IpFamily = 4 | 6;

/** Reads text as an address; undefined when it is none. Leading zeros in IPv4 and zones are refused. */
export function parseAddress(text: string): IpAddress | undefined {
  const bytes = text.includes(":") ? parseIpv6(text) : parseIpv4(text);
  return bytes && addressFromBytes(bytes);
}

/** Canonical address of 4 or 16 bytes in network order; undefined for any other length. */
export function addressFromBytes(bytes: Uint8Array): IpAddress | undefined {
  if (bytes.length === 4) return formatIpv4(bytes);
  if (bytes.length !== 16) return undefined;
  return isMapped(bytes) ? formatIpv4(bytes.subarray(12)) : formatIpv6(bytes);
}

/** The 4 or 16 bytes of an address, network order. */
export function addressBytes(address: IpAddress): Uint8Array {
  const bytes = address.includes(":") ? parseIpv6(address) : parseIpv4(address);
  if (!bytes) throw new Fault("not-an-address", "this is not an address", { address });
  return bytes;
}

export function familyOf(address: IpAddress): IpFamily {
  return address.includes(":") ? 6 : 4;
}

/** IPv4 before IPv6, then numerically: the order that certificates and the swap rule use (protocol 4.3, 8.2). */
export function compareAddresses(a: IpAddress, b: IpAddress): number {
  return compareBytes(addressBytes(a), addressBytes(b));
}

/** The number that an IPv4 address is; undefined for what is none. */
export function v4Number(address: IpAddress): number | undefined {
  const value = parseV4Number(address);
  return value < 0 ? undefined : value;
}

export function v4FromNumber(value: number): IpAddress {
  return `${value >>> 24}.${(value >>> 16) & 0xff}.${(value >>> 8) & 0xff}.${value & 0xff}` as IpAddress;
}

function parseIpv4(text: string): Uint8Array | undefined {
  const value = parseV4Number(text);
  if (value < 0) return undefined;
  const bytes = new Uint8Array(4);
  writeUint32(bytes, 0, value);
  return bytes;
}

/** Digit by digit: addresses are read for each packet that a host without a device handles. -1: it is none. */
function parseV4Number(text: string): number {
  let whole = 0;
  let part = 0;
  let digits = 0;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit === DOT && digits > 0 && part < 3) {
      whole = (whole << 8) | value;
      part++;
      digits = 0;
      value = 0;
      continue;
    }
    const isLeadingZero = digits === 1 && value === 0;
    value = 10 * value + digit;
    if (digit < 0 || digit > 9 || isLeadingZero || value > 255) return -1;
    digits++;
  }
  return part !== 3 || digits === 0 ? -1 : ((whole << 8) | value) >>> 0;
}

const ZERO = "0".charCodeAt(0);
const DOT = ".".charCodeAt(0) - ZERO;

function parseIpv6(text: string): Uint8Array | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? "", true) : [];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const bytes = new Uint8Array(16);
  [...head, ...new Array<number>(Math.max(missing, 0)).fill(0), ...tail].forEach((group, i) => {
    bytes[2 * i] = group >> 8;
    bytes[2 * i + 1] = group & 0xff;
  });
  return bytes;
}

/** Sixteen-bit groups of one side of "::"; `last` allows the dotted form at the end (RFC 4291 2.2.3). */
function groupsOf(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (const [i, part] of parts.entries()) {
    if (last && i === parts.length - 1 && part.includes(".")) {
      const dotted = parseIpv4(part);
      if (!dotted) return undefined;
      groups.push(((dotted[0] ?? 0) << 8) | (dotted[1] ?? 0), ((dotted[2] ?? 0) << 8) | (dotted[3] ?? 0));
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups.length <= 8 ? groups : undefined;
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every((byte) => byte === 0);
}

function formatIpv4(bytes: Uint8Array): IpAddress {
  return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}` as IpAddress;
}

function formatIpv6(bytes: Uint8Array): IpAddress {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  const zeros = longestZeroRun(groups);
  const text = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":");
  if (zeros.length < 2) return text(0, 8) as IpAddress;
  return `${text(0, zeros.start)}::${text(zeros.start + zeros.length, 8)}` as IpAddress;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
