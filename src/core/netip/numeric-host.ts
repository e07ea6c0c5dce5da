import { type IpAddress, v4FromNumber } from "./address.ts";

/**
 * Whether this is an IPv4 address or a mistake, and no name: its last label is a number (WHATWG URL, "ends in a number"). getaddrinfo(3) reads "0x7f.1" as
 * 127.0.0.1, so who takes that for a name has an address that nobody has looked at.
 */
export function endsInNumber(host: string): boolean {
  return NUMBER.test(host.replace(/\.$/, "").replace(/^.*\./s, ""));
}

/**
 * The address that inet_aton(3) reads: one to four parts, decimal or hexadecimal, of which the last fills what is left. Undefined where there is none, and where
 * a part has a leading zero, which is octal to some and decimal to others.
 */
export function looseAddress(host: string): IpAddress | undefined {
  const parts = host.split(".");
  if (parts.length > 4 || !parts.every((part) => PART.test(part))) return undefined;
  const numbers = parts.map(Number);
  const last = numbers.pop() ?? 0;
  if (numbers.some((number) => number > 0xff) || last >= 256 ** (4 - numbers.length)) return undefined;
  return v4FromNumber(numbers.reduce((sum, number, i) => sum + number * 256 ** (3 - i), last));
}

const NUMBER = /^(?:\d+|0x[\da-f]*)$/i;
const PART = /^(?:0|[1-9]\d{0,9}|0x[\da-f]{1,8})$/i;
